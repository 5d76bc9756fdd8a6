"""How the small training is done: a test imports this, and its script begins with this text."""

import torch
from torch import nn


def new_model(bias):
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(2, 3, bias=bias), nn.Tanh(), nn.Linear(3, 2, bias=bias))


def take_steps(model, optimizer, scheduler, n):
    """The rates before each of n steps, and the weights after them."""
    generator = torch.Generator().manual_seed(5)
    X, y = torch.randn(20, 2, generator=generator), torch.randn(20, 2, generator=generator)
    rates = []

    def closure():
        optimizer.zero_grad()
        loss = ((model(X) - y) ** 2).mean()
        loss.backward()
        return loss

    for _ in range(n):
        rates.append([group["lr"] for group in optimizer.param_groups if group["params"]])
        loss = optimizer.step(closure)
        if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau):
            scheduler.step(loss.item())
        elif scheduler is not None:
            scheduler.step()
    return [rates, [p.detach().flatten().tolist() for p in model.parameters()]]
