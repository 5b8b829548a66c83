#!/bin/sh
# Lists the claims of drafts that are told as unconfirmed without naming a source, and fails (1) where they are too large
# a share of a draft's claims.
#   ./check-drafts.sh drafts/port.txt drafts/budget.docx
#   MOST=0.2 SURE=0.8 ./check-drafts.sh drafts/*.txt
# Needs certainty (with the extra `documents` for more than text) and jq.
set -eu
[ "$#" -gt 0 ] || exit 0
scores=$(mktemp)
trap 'rm -f "$scores"' EXIT
certainty score --quiet --format json --min-confidence "${SURE:-0.7}" -- "$@" >"$scores"

rule='
  def unsourced: .label == "probable" and (.attributed or .undecided | not);
  def claims: [.sentences[] | select(.label != "no_claim")];
  def share: claims | if length == 0 then 0 else (map(select(unsourced)) | length) / length end;
'
# One file gives an object, several give a list of them.
jq -rs "$rule"'flatten[] | . as $draft
  | (claims[] | select(unsourced)
    | "\($draft.file):\($draft.text[:.start] | split("\n") | length): \(.text | gsub("\\s+"; " "))"),
    "\(.file): \(share * 100 | round) % of \(claims | length) claims are unconfirmed without a source"' "$scores"
jq -es --argjson most "${MOST:-0.1}" "$rule"'flatten | all(share <= $most)' "$scores" >/dev/null
