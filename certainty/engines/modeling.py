"""The torch model: a Hugging Face encoder with its classification head and a few additional small heads.

This module needs torch and transformers; `import certainty` does not import it.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForSequenceClassification

from certainty.engines.base import Logits
from certainty.errors import CertaintyError
from certainty.labels import CUED, LABELS
from certainty.model_folder import FIRST_HEADS, HEADS, WEIGHTS_FILE

HEADS_PREFIX = "certainty_heads."
"""Prefix of the names of the additional heads' tensors in `model.safetensors`."""


class CertaintyModel(nn.Module):
    """A transformers sequence classifier, whose head predicts the label, with the heads in `HEADS`.

    Since the label head belongs to the classifier, `transformers.pipeline("text-classification")` can load it from the
    saved folder. The other heads are saved in the same file.

    The heads for cues and the source read the layer `config.cue_layer`, an index into the hidden states (-1, the top
    layer, by default). The source is found like an answer in question answering, with the first token for "nobody"
    (Devlin et al. 2019, section 4.3, https://aclanthology.org/N19-1423).

    Args:
        classifier: A model with `num_labels=4` that returns `logits` and `hidden_states`.
        heads: The heads to add.
        cue_channels: Number of cue channels: one for each label in `CUED`, or a single one for all.
    """

    def __init__(self, classifier: Any, heads: Collection[str] = HEADS, cue_channels: int = len(CUED)) -> None:
        super().__init__()
        self.classifier: Any = classifier
        size = classifier.config.hidden_size

        def of_sentence(outputs: int) -> nn.Module:
            return nn.Sequential(nn.Linear(size, size // 2), nn.Tanh(), nn.Linear(size // 2, outputs))

        made = {
            "cue": nn.Linear(size, cue_channels),
            "claim": of_sentence(1),
            "attributed": of_sentence(1),
            "second": of_sentence(1 + len(LABELS)),
            "source": nn.Linear(size, 2),
        }
        self.heads = nn.ModuleDict({name: made[name] for name in HEADS if name in heads})

    @property
    def config(self) -> Any:
        """The configuration of the encoder."""
        return self.classifier.config

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs of `forward`, a part of the fields of `Logits`, in their order."""
        return [name for name in Logits._fields if name == "label" or name in self.heads]

    def forward(self, input_ids: Tensor, attention_mask: Tensor, output_attentions: bool = False) -> tuple[Tensor, ...]:
        """Return the logits named by `outputs`, with the shapes of `Logits`.

        With `output_attentions`, which needs the eager attention implementation, also return the attention of the first
        token in the top layer, of shape (rows, heads, length).
        """
        output = self.classifier(
            input_ids=input_ids,
            attention_mask=attention_mask,
            output_hidden_states=True,
            output_attentions=output_attentions,
        )
        hidden = output.hidden_states[-1]
        tokens = output.hidden_states[getattr(self.config, "cue_layer", -1)]
        attention = (output.attentions[-1][:, :, 0],) if output_attentions else ()
        of_heads = [head(tokens if name in ("cue", "source") else hidden[:, 0]) for name, head in self.heads.items()]
        # An exporter would write an invalid squeeze of a wider dimension.
        of_heads = [logits.squeeze(-1) if logits.shape[-1] == 1 else logits for logits in of_heads]
        return output.logits, *of_heads, *attention

    def named(self, tensors: Iterable[Tensor]) -> Logits:
        """Return the result of `forward` as NumPy arrays."""
        arrays = (tensor.float().cpu().numpy() for tensor in tensors)
        return Logits(**dict(zip(self.outputs, arrays, strict=True)))

    def with_all_heads(self) -> CertaintyModel:
        """Return the model with all heads, on the same encoder: those that it lacks are new, with random weights.

        If it has a single cue channel, each label gets a copy of it.
        """
        complete = CertaintyModel(self.classifier)
        for name, head in self.heads.items():
            new = complete.heads[name].state_dict()
            # Only a cue head with a single channel differs in shape.
            complete.heads[name].load_state_dict({key: v.expand_as(new[key]) for key, v in head.state_dict().items()})
        return complete

    @classmethod
    def from_encoder(cls, encoder: str | Path, dropout: float | None = None) -> CertaintyModel:
        """Create a model with new heads from a pretrained encoder.

        Args:
            encoder: Folder or Hugging Face hub id.
            dropout: Dropout rate to use instead of the encoder's own.

        Raises:
            CertaintyError: If the encoder cannot be loaded.
        """
        try:
            config = AutoConfig.from_pretrained(encoder, trust_remote_code=False)
            options = {} if dropout is None else _dropout_rates(config, dropout)
            classifier = AutoModelForSequenceClassification.from_pretrained(
                encoder,
                num_labels=len(LABELS),
                id2label=dict(enumerate(label.value for label in LABELS)),
                label2id={label.value: i for i, label in enumerate(LABELS)},
                dtype=torch.float32,
                trust_remote_code=False,
                use_safetensors=True,
                **options,
            )
        except (OSError, ValueError) as error:
            raise CertaintyError(f"{encoder}: cannot load the encoder: {error}") from error
        return cls(classifier)

    @classmethod
    def from_pretrained(cls, folder: str | Path, dropout: float | None = None) -> CertaintyModel:
        """Load a model saved by `save_pretrained`.

        Args:
            folder: The folder.
            dropout: Dropout rate to use instead of the model's own.

        Raises:
            CertaintyError: If a file is missing or damaged.
        """
        folder = Path(folder)
        try:
            config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
            if dropout is not None:
                config.update(_dropout_rates(config, dropout))
            tensors = load_file(folder / WEIGHTS_FILE)
            heads = {k.removeprefix(HEADS_PREFIX): v for k, v in tensors.items() if k.startswith(HEADS_PREFIX)}
            body = {k: v for k, v in tensors.items() if not k.startswith(HEADS_PREFIX)}
            names = {name.split(".")[0] for name in heads} | set(FIRST_HEADS)
            channels = len(heads["cue.bias"])
            _check_sizes(config, names, channels, tensors)
            model = cls(AutoModelForSequenceClassification.from_config(config), names, channels)
            model.classifier.load_state_dict(body)
            model.heads.load_state_dict(heads)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise CertaintyError(f"{folder}: cannot load the model's weights: {error}") from error
        return model.float().eval()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write `config.json`, and `model.safetensors` with 16-bit floats."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.config.architectures = [type(self.classifier).__name__]
        self.config.save_pretrained(folder)
        tensors = {name: value for name, value in self.classifier.state_dict().items()}
        tensors |= {f"{HEADS_PREFIX}{name}": value for name, value in self.heads.state_dict().items()}
        half = {name: v.half().contiguous() if v.is_floating_point() else v for name, v in tensors.items()}
        save_file(half, folder / WEIGHTS_FILE, metadata={"format": "pt"})
        shutil.copymode(folder / "config.json", folder / WEIGHTS_FILE)  # safetensors makes it private to the owner

    def logits(self, input_ids: Tensor, attention_mask: Tensor) -> Logits:
        """Return the logits as NumPy arrays, computed without gradients."""
        with torch.inference_mode():
            return self.named(self(input_ids, attention_mask))


def _check_sizes(config: Any, names: Collection[str], channels: int, tensors: Mapping[str, Tensor]) -> None:
    """Check that a configuration describes the tensors of a file before memory of its sizes is asked for.

    Raises:
        ValueError: If it does not.
    """
    if (layers := getattr(config, "num_hidden_layers", 0)) > len(tensors):
        raise ValueError(f"{layers} layers in config.json, but only {len(tensors)} tensors in {WEIGHTS_FILE}")
    with torch.device("meta"):
        sketch = CertaintyModel(AutoModelForSequenceClassification.from_config(config), names, channels)
    described = {name: value.shape for name, value in sketch.classifier.state_dict().items()}
    described |= {f"{HEADS_PREFIX}{name}": value.shape for name, value in sketch.heads.state_dict().items()}
    for name, shape in described.items():
        if name not in tensors or tensors[name].shape != shape:
            given = f"of shape {tuple(tensors[name].shape)}" if name in tensors else "missing"
            raise ValueError(f"{name} is {given} in {WEIGHTS_FILE}, and of shape {tuple(shape)} by config.json")


def _dropout_rates(config: Any, dropout: float) -> dict[str, float]:
    """Return the dropout settings that a configuration has, all set to `dropout`; names differ by architecture."""
    names = ("hidden_dropout_prob", "attention_probs_dropout_prob", "mlp_dropout", "classifier_dropout")
    return {name: dropout for name in names if hasattr(config, name)}
