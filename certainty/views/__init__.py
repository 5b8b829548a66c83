"""Ways to show a scored document: terminal table, plain lines, HTML, JSON, JSON Lines, CSV, DataFrame."""
