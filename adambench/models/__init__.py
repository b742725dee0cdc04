"""The models by name. To add a model, write a file and register it here."""

from adambench.models.base import Model, Network
from adambench.models.logistic import Logistic
from adambench.models.mlp import MLP
from adambench.models.vae import VAE

MODELS: dict[str, type[Model]] = {"logistic": Logistic, "mlp": MLP, "vae": VAE}

__all__ = ["MODELS", "Model", "Network"]
