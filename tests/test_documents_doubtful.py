"""Texts that are markup, written by programs, wrongly decoded or not French: refused, left out or told."""

from __future__ import annotations

import base64
import logging
import textwrap
from pathlib import Path

import pytest
from documenting import texts_of

from certainty import CertaintyError
from certainty.documents.damage import mojibake, noise
from certainty.documents.language import foreign_share


def test_markup_is_no_text_unless_forced() -> None:
    feed = "<rss><chan a='b'><it>Oui</it><it>Non</it></chan></rss>"
    assert noise(feed) > 0.5 and noise("Le maire <b>dément</b>.<br>Il <i>part</i>.") == 0
    assert noise(f"À lire : https://exemple.fr/{'a' * 300}") == 0
    with pytest.raises(CertaintyError, match=r"of it is markup, encoded or undecodable data; .*force=True"):
        texts_of(feed.encode(), "a.txt")
    assert texts_of(feed.encode(), "a.txt", force=True) == [("a.txt", feed)]


ENCODED = base64.b64encode("Le maire dément, puis il part. ".encode() * 40).decode()
MACHINE_TEXTS = {
    "base64": ("encoded", "\n".join(textwrap.wrap(ENCODED, 76))),
    "base64, narrow, with a caption": ("encoded", "Pièce jointe :\r\n" + "\r\n".join(textwrap.wrap(ENCODED, 40))),
    "hexadecimal": ("encoded", "\n".join(textwrap.wrap(ENCODED.encode().hex(), 64))),
    "application log": ("a log file", "2026-11-29 14:36:25,123 INFO serveur: prêt\n  détail\n" * 5),
    "bracketed log": ("a log file", "[2026-11-29T14:36:25Z] [worker-1] ERROR Le disque est plein\n" * 3),
    "system log": ("a log file", "Nov 29 14:36:25 hote sshd[12]: Connexion fermée par 10.0.0.1\n" * 3),
    "access log": ("a log file", '10.0.0.1 - - [29/Nov/2026:14:36:25 +0100] "GET /a HTTP/1.1" 200 12\n' * 3),
    "mail": (
        "the source of a mail",
        "Return-Path: <a@exemple.fr>\r\nReceived: from a\r\n\tby b\r\nSubject: =?utf-8?q?=C3=A9?=\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n\r\nLe maire d=C3=A9ment.\r\n",
    ),
    "mailbox": (
        "a mailbox",
        "From a@b Sat Nov 28 10:00:00 2026\nMessage-ID: <1@b>\nX-Spam: non\n\nIl part.\n",
    ),
    "SubRip": ("a file of subtitles", "1\n00:00:01,000 --> 00:00:02,500\nLe maire dément.\n"),
    "WebVTT": ("a file of subtitles", "WEBVTT\n\n00:01.000 --> 00:02.500\nLe maire dément.\n"),
    "LaTeX": ("LaTeX", "% !TeX\n\\documentclass{article}\n\\begin{document}\nLe maire dément.\n"),
}
PEOPLES_TEXTS = {
    "copied mail": "From: Anne\nTo: Paul\nDate: 29/11/2026\nSubject: Le barrage\n\nIl serait fermé.\n",
    "mail in French": "De : Anne\nÀ : Paul\nObjet : Le barrage\n\nIl serait fermé.\n",
    "chat": "[29/11/2026, 14:36:25] Anne: Le pont est fermé\n[29/11/2026, 14:36:29] Paul: Ah ?\n" * 5,
    "live blog": "14:36 INFO RADIO. Le maire part\n14:40 Le préfet dément\n14:52 ERREUR : ce n'est pas le pont de Lys\n"
    * 5,
    "chronology": "2026-11-29 14:36:25 Le train part\n2026-11-29 14:40:00 Il s'arrête\n2026-11-29 15:00:00 Il repart\n",
    "numbers": "Le tableau ci-dessous dit tout.\n" + "2021 12,5 33 % 1 204\n" * 40,
    "capitals": "LE MAIRE DÉMENT\n================================================\nANTICONSTITUTIONNELLEMENT\n" * 5,
    "addresses": "Voir https://exemple.fr/2026/11/29/Le-Barrage-De-Vernaison-Ferme-Ses-Portes\n" * 5,
    "log within an article": "Le pirate a laissé une trace.\n" * 9 + "2026-11-29 14:36:25 INFO: bonjour\n" * 4,
}


@pytest.mark.parametrize("kind", MACHINE_TEXTS)
def test_what_programs_write_is_no_text_unless_forced(kind: str) -> None:
    what, text = MACHINE_TEXTS[kind]
    with pytest.raises(CertaintyError, match=rf"^a.txt: .*{what}.*force=True"):
        texts_of(text.encode(), "a.txt")
    assert texts_of(text.encode(), "a.txt", force=True) == [("a.txt", text)]


@pytest.mark.parametrize(
    ("ending", "mend"),
    [("srt", "without numbers and times"), ("vtt", "without"), ("mbox", "each mail"), ("TEX", "pandoc -t plain")],
)
def test_the_ending_alone_tells_a_source(ending: str, mend: str) -> None:
    text = "Le maire dément.\n"
    with pytest.raises(CertaintyError, match=rf"^a\.{ending}: .*{mend}.*force=True"):
        texts_of(text.encode(), f"a.{ending}")
    assert texts_of(text.encode(), f"a.{ending}", force=True) == [(f"a.{ending}", text)]


@pytest.mark.parametrize("kind", PEOPLES_TEXTS)
def test_what_people_write_is_read(kind: str) -> None:
    assert texts_of(PEOPLES_TEXTS[kind].encode(), "a.txt") == [("a.txt", PEOPLES_TEXTS[kind])]


def test_noisy_rows_are_left_out_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"text\nIl pleut.\n{'x' * 300}\n", encoding="utf-8")
    assert texts_of(path, "a.csv") == [("1", "Il pleut.")]
    assert "a.csv: 1 row is mostly markup or undecodable and left out (row 2); force=True" in caplog.text
    path.write_text(f"id,text\na,Il pleut.\nb,{'x' * 300}\nc,{'y' * 300}\n", encoding="utf-8")
    assert texts_of(path, "a.csv") == [("a", "Il pleut.")]
    assert "a.csv: 2 rows are mostly markup or undecodable and left out (first: row b); force=True" in caplog.text


def test_accents_decoded_wrongly_are_told_and_mended(caplog: pytest.LogCaptureFixture) -> None:
    text = "Le ministère dément l’étude « à charge »."
    damaged = text.encode().decode("cp1252")
    assert texts_of(damaged.encode(), "a.txt") == [("a.txt", damaged)]
    assert "a.txt: 7 accents look as if UTF-8 had been read as Windows-1252" in caplog.text
    assert mojibake(text) == 0 and mojibake("L’été, l’élève, l’à-côté: « Ã© » est du mojibake, où ça ?") == 0
    pytest.importorskip("ftfy")
    assert texts_of(damaged.encode(), "a.txt", fix_encoding=True) == [("a.txt", text)]


def test_another_language_is_told_with_its_share(caplog: pytest.LogCaptureFixture) -> None:
    pytest.importorskip("py3langid")
    french = "Le maire a fermé le pont, et la préfecture a ouvert une enquête sur les travaux."
    english = "The mayor closed the bridge, and the police opened an inquiry into the building works."
    assert foreign_share("Oui.") is None
    assert foreign_share(french) == (0, "fr")
    assert foreign_share(english) == (1, "en")
    with caplog.at_level(logging.WARNING):
        texts_of(french.encode(), "a.txt")
        assert not caplog.messages
        texts_of(english.encode(), "a.txt")
    assert caplog.messages == ["a.txt: about 100 % is not French (en); the model knows only French."]
