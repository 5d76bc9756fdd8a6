"""Steps 4 to 6 of the script."""

from __future__ import annotations

from engine import experiment as ex
from engine.script import losses


def evaluate_lines(experiment: ex.Experiment) -> list[str]:
    """Section 4."""
    head = [
        "# 4. Evaluate the model on the test set",
        "model.eval()",
        "with torch.inference_mode():",
        "    y_pred = model(X_test)",
    ]
    loss = experiment.fit.loss
    if isinstance(loss, ex.CLASS_LOSSES):
        return [*head, *losses.answer_lines(loss)]
    own = losses.predicted(loss, "y_pred.cpu()")
    own_unit = [f"y_true, y_own = y_test.cpu().double(), {own}{losses.predicted_comment(loss)}"]
    if experiment.data.scaling.target != "none":
        own_unit += [
            "centre, size = torch.tensor(y_moves, dtype=torch.float64).T  # back to the target's own unit",
            "y_true, y_own = y_true * size + centre, y_own * size + centre",
        ]
    return [
        *head,
        *own_unit,
        "residual = y_true - y_own",
        "r2 = (1 - (residual**2).sum(dim=0) / ((y_true - y_true.mean(dim=0)) ** 2).sum(dim=0)).mean()",
        "if (y_true.amin(dim=0) == y_true.amax(dim=0)).any():",
        '    r2 = float("nan")  # all targets are the same: there is nothing to explain',
        'print(f"MAE {residual.abs().mean():.6g}  RMSE {(residual**2).mean().sqrt():.6g}  R2 {r2:.6g}")',
    ]


def improve_lines(has_validation: bool) -> list[str]:
    """Section 5."""
    judge = "the validation loss" if has_validation else "a validation split (the test set is not for choosing)"
    return [
        "# 5. Improve by experiment: change one thing (epochs, learning rate, layers), run again,",
        f"#    and choose by {judge}",
    ]


def save_lines(model: ex.Model) -> list[str]:
    """Section 6."""
    has_class = isinstance(model, ex.LinearRegressionModel | ex.LinearRegressionModelV2)
    fresh = f"{type(model).__name__}()" if has_class else "copy.deepcopy(model)"
    return [
        "# 6. Save the model, load it again, and see that it predicts the same",
        'torch.save(model.state_dict(), "model_from_script.pt")',
        f"loaded_model = {fresh}",
        'loaded_model.load_state_dict(torch.load("model_from_script.pt", weights_only=True))',
        "loaded_model.to(device).eval()",
        "with torch.inference_mode():",
        '    print("Largest difference after reloading:", (loaded_model(X_test) - y_pred).abs().max().item())',
    ]
