"""The PyTorch workflow without a window: data, model, fit, evaluate, improve, save. Never imports Qt."""
