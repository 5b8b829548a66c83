// Export of what the filters show: as the files of `certainty score`, and as lines for a spreadsheet or a mail.

const COLUMNS = ["file", "text", "start", "end", "label", "probability", ...LABELS, "claim_probability", "certainty", "is_claim", "attributed", "cues", "second", "second_probability", "second_cues", "source", "unread"];
const PAIR_COLUMNS = ["change", "label", "certainty", "attributed", "text"];

const quoted = (value) => `"${value.replace(/"/g, '""')}"`;
const cell = (value) => (value === null ? "" : typeof value === "number" ? String(value) : quoted(String(value)));
const excelCell = (value) => {
  if (typeof value === "number" && !Number.isInteger(value)) return value.toFixed(6).replace(".", ",");
  if (typeof value !== "string") return value === null ? "" : String(value);
  const safe = /^[=+\-@\t\r\n＝＋－＠]/.test(value) ? `'${value}` : value; // which a spreadsheet would compute
  return /[;"\r\n]/.test(safe) ? quoted(safe) : safe;
};
const table = (rows, excel) =>
  (excel ? "\ufeff" : "") + rows.map((row) => row.map(excel ? excelCell : cell).join(excel ? ";" : ",") + "\n").join("");

// Whether the page was made with a least confidence, under which a claim is undecided.
const hasUndecided = (root) => root.querySelector('.certainty-key [data-category="undecided"]') !== null;
const columnsOf = (root) => (hasUndecided(root) ? [...COLUMNS, "undecided"] : COLUMNS);

const sentenceRow = (columns, file, record) => {
  const joined = (cues) => cues.map((cue) => cue.text).join(" | ");
  const { cues, second_cues, source } = record;
  const shown = { cues: joined(cues), second_cues: joined(second_cues), source: source && source.text };
  const flat = { ...record, ...record.probabilities, ...shown, file };
  return columns.map((column) => flat[column]);
};

// What there is to export of a page of texts, or of one of changes: rows with a header, JSON, lines to copy.
const shownTexts = (root) => {
  const undecided = hasUndecided(root) ? (one) => ({ undecided: one.dataset.category === "undecided" }) : () => ({});
  return [...root.querySelectorAll(".certainty-text")].map((text) => ({
    file: text.dataset.name,
    text: text.textContent,
    ...(text.dataset.model && { model: JSON.parse(text.dataset.model) }),
    sentences: [...text.querySelectorAll(".certainty-sentence:not([hidden])")].map((one) => ({ ...recordOf(one), ...undecided(one) })),
  }));
};

const shownPairs = (root) => [...root.querySelectorAll(".certainty-pair:not([hidden])")].map(pairOf);

const textExport = (root) => ({
  rows: () => {
    const columns = columnsOf(root);
    return [columns, ...shownTexts(root).flatMap(({ file, sentences }) => sentences.map((one) => sentenceRow(columns, file, one)))];
  },
  json: () => {
    const texts = shownTexts(root);
    return texts.length === 1 ? texts[0] : texts;
  },
  lines: (words) =>
    shownTexts(root).flatMap(({ sentences }) => sentences).map((one) =>
      [words.say(one.label), words.percent(one.probability), one.attributed ? words.say("attributed") : "", one.text]),
});

const pairExport = (root) => ({
  rows: () => [
    ["change", ...["before", "after"].flatMap((side) => PAIR_COLUMNS.slice(1).map((column) => `${column}_${side}`))],
    ...shownPairs(root).map((pair) => [
      pair.change,
      ...[pair.old, pair.new].flatMap((one) => PAIR_COLUMNS.slice(1).map((column) => one?.[column] ?? null)),
    ]),
  ],
  json: () => ({ pairs: shownPairs(root) }),
  lines: (words) =>
    shownPairs(root).map((pair) => [words.say(pair.change), ...[pair.old, pair.new].flatMap((one) => (one ? [words.say(one.label), one.text] : ["", ""]))]),
});

async function copyText(text, field) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch (error) {
      if (error.name !== "NotAllowedError") throw error;
    }
  }
  // Without the right to the clipboard, as in the frame of another page, the older way may still be open.
  const area = element("textarea", { value: text });
  field.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

function addExport(root, place) {
  const source = root.querySelector(".certainty-pair") ? pairExport(root) : textExport(root);
  const name = () => (root.querySelector("h1")?.textContent.replace(/\.\w{1,5}$/, "").replace(/[^\p{L}\p{N}_-]+/gu, "-").replace(/^-+|-+$/g, "") || "certainty").slice(0, 80);
  const save = (content, type, ending) => {
    const link = element("a", { href: URL.createObjectURL(new Blob([content], { type })), download: name() + ending });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // once the browser has it
  };
  let words = null;
  const said = element("span", { className: "certainty-said", role: "status" });
  const button = (properties, act) => {
    const made = element("button", { type: "button", ...properties });
    made.addEventListener("click", act);
    return made;
  };
  const page = button({ word: "page", hidden: true }, () => save(PAGE, "text/html", ".html"));
  place.append(
    element("div", { className: "certainty-export", role: "group" },
      element("span", { word: "export" }),
      button({ textContent: "CSV" }, () => save(table(source.rows(), false), "text/csv", ".csv")),
      button({ word: "excel" }, () => save(table(source.rows(), true), "text/csv", ".csv")),
      button({ textContent: "JSON" }, () => save(JSON.stringify(source.json(), null, 2) + "\n", "application/json", ".json")),
      page,
      button({ word: "copy" }, async () => {
        const lines = source.lines(words).map((line) => line.map((part) => part.replace(/\s+/g, " ")).join("\t") + "\n");
        said.textContent = words.say((await copyText(lines.join(""), place)) ? "copied" : "not_copied");
      }),
      said),
  );
  root.addEventListener("certainty-embedded", () => (page.hidden = false));
  return (chosen) => {
    words = chosen;
    said.textContent = "";
  };
}
