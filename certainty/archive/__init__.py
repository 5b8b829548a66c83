"""Score archives of any size into Parquet or JSON Lines, so that a run that ends early can be continued.

```python
from certainty.archive import score_archive

result = score_archive(["docs/examples/archive.csv"], "scored-archive")
print(result.sentences)
print(summarise("scored-archive", date_column="date"))
```
"""

from certainty.archive.answers import Table
from certainty.archive.on_ray import RayPool
from certainty.archive.scoring import ArchiveResult, score_archive
from certainty.archive.settings import ArchiveSettings
from certainty.archive.summary import Summary, summarise

__all__ = ["ArchiveResult", "ArchiveSettings", "RayPool", "Summary", "Table", "score_archive", "summarise"]
