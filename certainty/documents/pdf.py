"""Extract the text of PDF files."""

from __future__ import annotations

import re
from io import BytesIO

from certainty.documents.confined import confined_pdf_text
from certainty.errors import CertaintyError
from certainty.extras import needs
from certainty.messages import counted

_TWO_SPACES = re.compile(r"(?<=\S)  (?=\S)")


def pdf_text(data: bytes, name: str) -> str:
    r"""Return the text of a PDF, with a form feed between pages, as `pdftotext` writes it.

    Raises:
        CertaintyError: If the PDF is protected by a password or damaged, its pages are images, or it takes more time or
            memory than `certainty.documents.confined` allows.
        MissingExtraError: If pypdf is not installed.
        NoProcessError: If the process that reads PDFs cannot be started.
    """
    needs("pypdf", extra="documents", user=f"{name}: a PDF")
    return confined_pdf_text(data, name)


def read_pdf(data: bytes, name: str) -> str:
    """Read a PDF in this process, without limits of time and memory; see `pdf_text`.

    Raises:
        CertaintyError: If the PDF is protected by a password, or its pages are images.
    """
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    reader = PdfReader(BytesIO(data))
    try:
        opened = not reader.is_encrypted or reader.decrypt("")
    except DependencyError as error:
        raise CertaintyError(f"{name}: is an encrypted PDF ({error}); save it without a password.") from error
    if not opened:
        raise CertaintyError(f"{name}: is a PDF with a password; save it without one.")
    # Browsers end a line with a space and begin the next with another; both may end up on one line of the text.
    pages = [_TWO_SPACES.sub(" ", page.extract_text()) for page in reader.pages]
    if not any(map(str.strip, pages)):
        raise CertaintyError(
            f"{name}: is a PDF without text ({counted(len(pages), 'page')} of images); make it readable first, by OCR "
            "such as `ocrmypdf`."
        )
    return "\n\f".join(pages)
