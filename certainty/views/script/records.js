// What was scored, read back from the page: the members of `SentenceScore.to_dict`, with six decimals.

const LABELS = ["asserted", "probable", "personal_opinion", "denied"];
const rounded = (number) => Math.round(number * 1e6) / 1e6;

const recordOf = (sentence) => {
  const { label, claim = null, cues = "", second = null, secondProbability = null, secondCues = "", source = "", unread = "0", span } = sentence.dataset;
  const text = sentence.textContent;
  const characters = [...text]; // offsets count code points
  const [start, end] = span.split(" ").map(Number);
  const shares = sentence.dataset.probabilities.split(" ").map(Number);
  const probabilities = Object.fromEntries(LABELS.map((name, i) => [name, shares[i]]));
  const words = (spans) => spans.split(" ").filter(Boolean).map((one) => {
    const [from, to] = one.split("-").map(Number);
    return { start: from, end: to, text: characters.slice(from - start, to - start).join("") };
  });
  const makesClaim = label !== "no_claim";
  return {
    text,
    start,
    end,
    label,
    probability: makesClaim ? probabilities[label] : rounded(1 - claim),
    probabilities,
    claim_probability: claim === null ? null : Number(claim), // which the model may not be able to tell
    certainty: makesClaim ? Math.min(1, rounded(probabilities.asserted + probabilities.denied)) : null,
    is_claim: claim === null ? null : makesClaim,
    attributed: isAttributed(sentence),
    cues: words(cues),
    second,
    second_probability: secondProbability === null ? null : Number(secondProbability),
    second_cues: words(secondCues),
    source: words(source)[0] ?? null,
    unread: Number(unread),
  };
};

const pairOf = (pair) => {
  const sentences = [...pair.querySelectorAll(".certainty-sentence")].map(recordOf);
  const change = pair.dataset.category;
  if (change === "added") sentences.unshift(null);
  return { change, old: sentences[0], new: sentences[1] ?? null };
};
