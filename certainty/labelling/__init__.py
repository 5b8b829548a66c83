"""Making labelled data: tasks for annotation tools and back, agreement, what to label next, likely errors."""
