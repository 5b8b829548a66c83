"""Count in an archive who denies, and whose names are in what is denied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certainty.archive.answers import Table

if TYPE_CHECKING:
    import duckdb

_CAPITALISED = r"\p{Lu}[\p{L}\p{M}\d]*(?:[-.'’][\p{L}\p{M}\d]+)*"
_NAME = rf"(?:M|MM|Mme|Mlle|Mgr|Dr|Me)\.? (?:{_CAPITALISED})|{_CAPITALISED}"
_PERSON = rf"(?:{_NAME})(?: (?:(?:de la|de|du|des) |d['’])?{_CAPITALISED})*"
_WITHIN = rf"(?:[\p{{L}}\d,;)] |\p{{L}}['’])({_PERSON})"  # what follows a full stop or a quotation mark may be any word
_FIRST = rf"^[^\p{{L}}]*({_PERSON})"


def sources_of_denials(connection: duckdb.DuckDBPyConnection, top: int) -> Table:
    """Return the sources that most denials are attributed to.

    Args:
        connection: It has the view `sentences`.
        top: Number of rows.
    """
    denied = connection.execute(
        "SELECT arg_min(who, place), count(*) FILTER (label = 'denied') AS denied, count(*) FROM (SELECT label, "
        "trim(regexp_replace(replace(source.text, '’', ''''), '\\s+', ' ', 'g')) AS who, "
        '(file, "row", id, sentence) AS place FROM sentences WHERE source IS NOT NULL) GROUP BY lower(who) '
        f"HAVING denied > 0 ORDER BY denied DESC, 1 LIMIT {top}"
    ).fetchall()
    note = "Claims that are attributed to a source, and how many of them are denials; pronouns are not resolved."
    return Table("Who denies most", note, ("source", "denied", "claims"), denied, measure="denied")


def names_in_denials(connection: duckdb.DuckDBPyConnection, top: int) -> Table:
    """Return the names that most denials contain, other than that of their source.

    Args:
        connection: It has the view `sentences`.
        top: Number of rows.
    """
    named = connection.execute(
        f"""
        WITH claims AS (
            SELECT label = 'denied' AS is_denied, coalesce(source.text, '') AS source,
                list_distinct(regexp_extract_all(text, $within, 1)) AS within, regexp_extract(text, $first, 1) AS first
            FROM sentences WHERE label <> 'no_claim' AND text <> upper(text)),
        named AS (
            SELECT unnest(within) AS name, true AS is_within, is_denied, source FROM claims
            UNION ALL SELECT first, false, is_denied, source FROM claims WHERE NOT list_contains(within, first))
        SELECT name, count(*) FILTER (is_denied) AS denied, count(*) AS claims
        FROM named WHERE name <> '' AND NOT contains(source, name) GROUP BY name
        HAVING denied > 0 AND 2 * count(*) FILTER (is_within) >= claims ORDER BY denied DESC, claims, name LIMIT {top}
        """,
        {"within": _WITHIN, "first": _FIRST},
    ).fetchall()
    note = (
        "Names in claims, other than that of the source, and how many of these claims are denials. A name is a run of "
        "capitalised words that more often stands within sentences than at their beginning. What the denial is about, "
        "the model does not say."
    )
    return Table("Who is denied most", note, ("name", "denied", "claims"), named, measure="denied")
