"""Score archives of any size into Parquet or JSON Lines, so that a run that ends early can be continued.

```python
from certainty.archive import score_archive

result = score_archive(["docs/examples/archive.csv"], "scored-archive")
print(result.sentences)
```
"""

from certainty.archive.scoring import ArchiveResult, score_archive
from certainty.archive.settings import ArchiveSettings

__all__ = ["ArchiveResult", "ArchiveSettings", "score_archive"]
