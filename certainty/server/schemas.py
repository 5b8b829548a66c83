"""The JSON that the routes take and return, for validation and for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeGuard

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from certainty.labels import Label

SENTENCES = "The sentences of a text that is already split; the text of the answer joins them by line feeds."

Probability = Annotated[float, Field(ge=0, le=1)]

EXAMPLE_TEXT = "Selon un député, la Russie aurait livré des armes."
EXAMPLE_DOCUMENT: dict[str, Any] = {
    "text": EXAMPLE_TEXT,
    "model": {
        "name": "certainty-fr-small",
        "version": "0.5.0",
        "digest": "0123456789abcdef" * 4,
        "heads": ["claim", "attributed", "cue", "second", "source"],
    },
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
            "cues": [{"start": 27, "end": 39, "text": "aurait livré"}],
            "second": None,
            "second_probability": 0.01,
            "second_cues": [],
            "source": {"start": 6, "end": 15, "text": "un député"},
            "unread": 0,
        }
    ],
}

EXAMPLE_MODEL = {**EXAMPLE_DOCUMENT["model"], "labels": [label.value for label in Label], "certainty": "0.5.0"}


def _not_blank(sentence: str) -> str:
    if not sentence.strip():
        raise ValueError("a sentence must hold more than white space; leave it out")
    return sentence


SplitSentence = Annotated[str, AfterValidator(_not_blank), Field(json_schema_extra={"pattern": r"\S"})]


class Choices(BaseModel):
    """Options for the answer of every route that scores."""

    min_confidence: Probability | None = Field(
        None,
        strict=True,
        description="Claims whose label is less probable are undecided: in JSON each sentence then has `undecided`.",
    )
    claims_only: bool = Field(False, strict=True, description="Leave out sentences that make no claim.")


class Body(Choices):
    """A JSON body; unknown members are refused."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _name_the_unknown(cls, given: object) -> object:
        _refuse_unknown(cls, given)
        return given


def _refuse_unknown(model: type[Choices], given: object) -> None:
    """Raise an error that names the first unknown member, if there is one."""
    known = sorted(model.model_fields, key=lambda name: name in Choices.model_fields)
    unknown = [name for name in given if name not in known] if isinstance(given, dict) else []
    if unknown:
        close = get_close_matches(unknown[0], known, n=1)
        hint = f"did you mean `{close[0]}`? " if close else ""
        allowed = f"{hint}This route takes {', '.join(f'`{name}`' for name in known)}"
        raise PydanticCustomError(
            "unknown_field", "unknown field; {allowed}", {"allowed": allowed, "field": unknown[0]}
        )


def _exactly_one(*names: str) -> Callable[[dict[str, Any]], None]:
    def declare(schema: dict[str, Any]) -> None:
        for name in names:
            schema["properties"][name].pop("default", None)
        schema["oneOf"] = [{"required": [name]} for name in names]

    return declare


class ScoreRequest(Body):
    """A text, a list of texts, or the sentences of one text."""

    model_config = ConfigDict(json_schema_extra=_exactly_one("text", "texts", "sentences"))

    text: str = Field("", description="A French text.", examples=[EXAMPLE_TEXT])
    texts: list[str] = Field([], description="French texts.", examples=[[EXAMPLE_TEXT]])
    sentences: list[SplitSentence] = Field([], description=SENTENCES, examples=[[EXAMPLE_TEXT]])

    @model_validator(mode="after")
    def _one_is_given(self) -> ScoreRequest:
        if len(self.model_fields_set & {"text", "texts", "sentences"}) != 1:
            raise ValueError("give either `text` (a string), or `texts` or `sentences` (lists of strings)")
        return self


class ViewRequest(Body):
    """A text."""

    text: str = Field(description="A French text.", examples=[EXAMPLE_TEXT])
    lang: Literal["en", "fr"] | None = Field(
        None, description="Language of the page's own words; null follows the reader's browser, with a switch."
    )


class Line(Choices):
    """A line of the streaming route; further members, such as those of a corpus, are ignored beside a text."""

    text: str = Field("", description="A French text.")
    sentences: list[SplitSentence] = Field([], description=SENTENCES)
    id: str | int | None = Field(None, description="Returned with the answer.")

    @model_validator(mode="before")
    @classmethod
    def _name_the_unknown(cls, given: object) -> object:
        if isinstance(given, dict) and "text" not in given and "sentences" not in given:
            _refuse_unknown(cls, given)
        return given

    @field_validator("id", mode="before")
    @classmethod
    def _is_returned_as_it_came(cls, given: object) -> object:
        if given is not None and not _is_id(given):
            raise ValueError("give a string or a whole number")
        return given

    @model_validator(mode="after")
    def _one_is_given(self) -> Line:
        if len(self.model_fields_set & {"text", "sentences"}) != 1:
            raise ValueError("give either `text` (a string) or `sentences` (a list of strings)")
        return self


def valid_id(line: object) -> str | int | None:
    """Return the `id` of a line, which may be wrong in other members; None if it has no valid one."""
    given = line.get("id") if isinstance(line, dict) else None
    return given if _is_id(given) else None


def _is_id(given: object) -> TypeGuard[str | int]:
    return type(given) in (str, int)  # pydantic would make 1 of true and of 1.0


class CueSchema(BaseModel):
    """Words that decided the label; offsets count Unicode code points of the given text."""

    model_config = ConfigDict(extra="forbid", title="Cue")

    start: int
    end: int
    text: str


class SourceSchema(BaseModel):
    """Words that name whose claim it is; offsets count Unicode code points of the given text."""

    model_config = ConfigDict(extra="forbid", title="Source")

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
        description="Probability of the label; for a label other than `no_claim`, given that there is a claim."
    )
    probabilities: ProbabilitiesSchema
    claim_probability: Probability | None = Field(
        description="Probability that the sentence makes a claim; null if the model cannot tell."
    )
    certainty: Probability | None = Field(
        description="P(asserted) + P(denied): how settled the claim is presented; null if there is none."
    )
    is_claim: bool | None = Field(
        description="False for a question, a heading or a fragment: the label is `no_claim`. Null if the model "
        "cannot tell."
    )
    attributed: bool | None = Field(
        description="The main claim is attributed to a source in the sentence; never without one. Null if the model "
        "cannot tell."
    )
    cues: list[CueSchema] = Field(description="Empty where there is no claim.")
    second: Label | None = Field(description="Of a second claim, with another label; null where there is none.")
    second_probability: Probability | None = Field(
        description="That there is a second claim with another label; null without a claim or if the model cannot tell."
    )
    second_cues: list[CueSchema] = Field(description="Those of the second claim.")
    source: SourceSchema | None = Field(description="Null where nobody is named, or if the model cannot tell.")
    unread: int = Field(
        description="Characters that the model did not read: runs of more than 1,000 without white space, and all that "
        "follows 5,000 others."
    )
    undecided: bool | SkipJsonSchema[None] = Field(
        None, description="Only with `min_confidence`: whether it is a claim whose label is less probable than that."
    )


class ModelSchema(BaseModel):
    """The model that gives the scores."""

    model_config = ConfigDict(extra="forbid", title="Model")

    name: str = Field(description="`owner/name` of a model from the hub, else the name of its folder.")
    version: str | None = Field(
        description="The version of certainty that trained it; null if its folder does not say."
    )
    digest: str = Field(description="SHA-256 of its weights.", pattern="^[0-9a-f]{64}$")
    heads: list[str] = Field(
        description="What it can tell besides the label: of `claim`, `attributed`, `cue`, `second` and `source`."
    )


class ServedModelSchema(ModelSchema):
    """The model of this server."""

    model_config = ConfigDict(title="ServedModel")

    labels: list[Label] = Field(description="Its labels, `no_claim` last.")
    certainty: str = Field(description="The version of certainty that runs it.")


class DocumentSchema(BaseModel):
    """A scored text."""

    model_config = ConfigDict(extra="forbid", title="Document", json_schema_extra={"examples": [EXAMPLE_DOCUMENT]})

    text: str
    model: ModelSchema
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
