"""The JSON that the routes take and give, for checks and for the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from certainty.labels import Label

Probability = Annotated[float, Field(ge=0, le=1)]

EXAMPLE_TEXT = "Selon un député, la Russie aurait livré des armes."
EXAMPLE_DOCUMENT: dict[str, Any] = {
    "text": EXAMPLE_TEXT,
    "sentences": [
        {
            "text": EXAMPLE_TEXT,
            "start": 0,
            "end": 50,
            "label": "probable",
            "probability": 0.96,
            "probabilities": {"asserted": 0.02, "probable": 0.96, "personal_opinion": 0.01, "denied": 0.01},
            "claim_probability": 0.99,
            "certainty": 0.03,
            "is_claim": True,
            "attributed": True,
            "cues": [{"start": 27, "end": 33, "text": "aurait"}],
        }
    ],
}


def _one_of_both(schema: dict[str, Any]) -> None:
    for value in schema["properties"].values():
        value.pop("default", None)
    schema["oneOf"] = [{"required": ["text"]}, {"required": ["texts"]}]


class ScoreRequest(BaseModel):
    """A text, or a list of texts."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_one_of_both)

    text: str = Field("", description="A French text.", examples=[EXAMPLE_TEXT])
    texts: list[str] = Field([], description="French texts.", examples=[[EXAMPLE_TEXT]])

    @model_validator(mode="after")
    def _exactly_one(self) -> ScoreRequest:
        if len(self.model_fields_set) != 1:
            raise ValueError("give either `text` (a string) or `texts` (a list of strings)")
        return self

    @property
    def is_single(self) -> bool:
        """Whether `text` is given, and not `texts`."""
        return "text" in self.model_fields_set


class ViewRequest(BaseModel):
    """A text."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(description="A French text.", examples=[EXAMPLE_TEXT])


class Line(BaseModel):
    """A line of the streaming route; further members are ignored."""

    text: str = Field(description="A French text.")
    id: str | int | None = Field(None, description="Given back with the answer.")


class CueSchema(BaseModel):
    """Words that decided the label; offsets count Unicode code points of the given text."""

    model_config = ConfigDict(extra="forbid", title="Cue")

    start: int
    end: int
    text: str


class ProbabilitiesSchema(BaseModel):
    """Calibrated probabilities of the labels of claims, given that the sentence makes one; they sum to 1."""

    model_config = ConfigDict(extra="forbid", title="Probabilities")

    asserted: Probability
    probable: Probability
    personal_opinion: Probability
    denied: Probability


class SentenceSchema(BaseModel):
    """A sentence and how it commits itself to its main claim."""

    model_config = ConfigDict(extra="forbid", title="Sentence")

    text: str
    start: int = Field(description="Offset in Unicode code points: given[start:end] is the sentence.")
    end: int
    label: Label
    probability: Probability = Field(
        description="Of the label: of `no_claim`, that there is no claim; of another, given that there is one."
    )
    probabilities: ProbabilitiesSchema
    claim_probability: Probability = Field(description="That the sentence makes a claim.")
    certainty: Probability | None = Field(
        description="P(asserted) + P(denied): how settled the claim is presented; null where there is none."
    )
    is_claim: bool = Field(description="False for a question, a heading or a fragment: the label is `no_claim`.")
    attributed: bool = Field(description="The main claim is attributed to a source in the sentence; never without one.")
    cues: list[CueSchema] = Field(description="Empty where there is no claim.")


class DocumentSchema(BaseModel):
    """A scored text."""

    model_config = ConfigDict(extra="forbid", title="Document", json_schema_extra={"examples": [EXAMPLE_DOCUMENT]})

    text: str
    sentences: list[SentenceSchema]


class FieldProblem(BaseModel):
    """What is wrong with a field of the body."""

    field: str
    message: str


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    title: str = Field(description="The name of the status.")
    status: int
    detail: str = Field(description="What is wrong and how to mend it.")
    limit: str | SkipJsonSchema[None] = Field(None, description="The setting of the server that was exceeded.")
    maximum: float | SkipJsonSchema[None] = Field(None, description="Its value.")
    given: float | SkipJsonSchema[None] = Field(None, description="What the request gave.")
    errors: list[FieldProblem] | SkipJsonSchema[None] = Field(None, description="The fields that are wrong.")


class Status(BaseModel):
    """The state of the server."""

    status: str = Field(description="One word.", examples=["up", "ready"])
