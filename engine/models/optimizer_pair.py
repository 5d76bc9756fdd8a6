# mypy: disable-error-code="arg-type,no-untyped-def,override"
"""Step 2: the optimizer that torch has not: Muon takes matrices alone, so AdamW goes with it; shown in the script."""

from __future__ import annotations

import torch


class MuonWithAdamW(torch.optim.Optimizer):
    """Muon for matrices; for what is none (biases, norms, kernels) AdamW, with the same rate and weight decay."""

    def __init__(
        self, params: object, lr: float = 0.001, weight_decay: float = 0.1, momentum: float = 0.95, **options: object
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, **options})
        self.pairs: list[list[torch.optim.Optimizer]] = []
        for group in self.param_groups:
            matrices = [parameter for parameter in group["params"] if parameter.ndim == 2]
            others = [parameter for parameter in group["params"] if parameter.ndim != 2]
            of_matrices = [torch.optim.Muon(matrices, **options)] if matrices else []
            of_others = [torch.optim.AdamW(others)] if others else []
            self.pairs.append([*of_matrices, *of_others])

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group, pair in zip(self.param_groups, self.pairs, strict=True):
            now = {name: group[name] for name in ("lr", "weight_decay", "momentum")}  # a scheduler may have set them
            for optimizer in pair:
                optimizer.param_groups[0].update(now)
                optimizer.state = self.state  # one memory: state_dict has all of it
                optimizer.step()
        return loss
