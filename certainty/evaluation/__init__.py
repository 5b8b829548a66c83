"""Evaluate models on held-out sentences: metrics with intervals, comparisons, baselines, behaviour tests, reports.

```python
from certainty.evaluation import evaluate

evaluation = evaluate("models/mine", "held_out.csv")
print(evaluation.summary())
evaluation.write_report("report")
```
"""

from certainty.evaluation.behaviour import Behaviour, evaluate_behaviour, read_behaviour
from certainty.evaluation.comparing import compare
from certainty.evaluation.judging import evaluate, evaluate_seeds, evaluate_splits
from certainty.evaluation.metric_table import METRICS, Metric
from certainty.evaluation.result import Comparison, Evaluation

__all__ = [
    "METRICS",
    "Behaviour",
    "Comparison",
    "Evaluation",
    "Metric",
    "compare",
    "evaluate",
    "evaluate_behaviour",
    "evaluate_seeds",
    "evaluate_splits",
    "read_behaviour",
]
