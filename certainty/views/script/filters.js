// Filters: the label or the kind of change, the probability, the source, and words that are searched for. The bar,
// the counts and the headings follow.

// As it is searched for: œ as oe, without accents, one kind of apostrophe and hyphen. Soft hyphens and the like are dropped.
const LIGATURES = { œ: "oe", æ: "ae", ß: "ss" };
const plain = (text) =>
  text.toLowerCase().normalize("NFKD").replace(/[\p{M}\p{Cf}]/gu, "").replace(/[œæß]/g, (letter) => LIGATURES[letter])
    .replace(/[’ʼ]/g, "'").replace(/[‐‑]/g, "-").replace(/\s+/g, " ");
const textOf = (item) =>
  (item.matches(".certainty-sentence") ? [item] : [...item.querySelectorAll(".certainty-sentence")]).map((one) => one.textContent).join(" ");

// Null where the model cannot tell.
const isAttributed = (item) => (item.dataset.attributed === "unknown" ? null : item.matches(".certainty-attributed"));
const BY_SOURCE = {
  any_source: () => true,
  attributed_only: isAttributed,
  without_source: (item) => item.dataset.category !== "no_claim" && isAttributed(item) === false,
};

const count = (items, key) => {
  const found = new Map(key.map((name) => [name, 0]));
  for (const { dataset } of items) found.set(dataset.category, found.get(dataset.category) + 1);
  return found;
};

function addFilters(root, items, place) {
  const key = root.querySelector(".certainty-key");
  const rows = [...key.children].map((item) => {
    // Of two versions, what stayed as it was is not what the reader looks for.
    const box = element("input", { type: "checkbox", checked: item.dataset.category !== "unchanged", value: item.dataset.category });
    box.autocomplete = "off"; // Firefox would restore it on reload
    item.append(element("label", {}, box, ...item.childNodes));
    return { box, category: item.dataset.category, share: item.querySelector(".certainty-share") };
  });
  const categories = rows.map((row) => row.category);
  const total = count(items, categories);
  const texts = new Map(items.map((item) => [item, plain(textOf(item))]));

  const search = element("input", { type: "search", autocomplete: "off", spellcheck: false, lang: "fr" });
  const slider = element("input", { type: "range", min: 0, max: 100, value: 0, autocomplete: "off" });
  const least = element("span", { className: "certainty-least" });
  const source = element("select", { autocomplete: "off" }, ...Object.keys(BY_SOURCE).map((value) => element("option", { value, word: value })));
  const all = element("button", { type: "button", word: "show_all" });
  const status = element("p", { className: "certainty-status", role: "status" });
  const isPair = items[0].matches(".certainty-pair");
  place.append(
    element("label", {}, element("span", { word: "search" }), search),
    ...(isPair ? [] : [element("label", {}, element("span", { word: "least" }), least, slider)]),
    ...(isPair || items.every((item) => isAttributed(item) === null) ? [] : [element("label", {}, element("span", { word: "source" }), source)]),
    all,
  );
  key.after(status);

  let words = null;
  const bars = [...root.querySelectorAll("section .certainty-bar")].map((bar) => ({
    bar,
    own: [...bar.closest("section").querySelectorAll(".certainty-sentence")],
  }));
  const apply = () => {
    const chosen = new Set(rows.filter(({ box }) => box.checked).map(({ category }) => category));
    const wanted = plain(search.value).trim();
    for (const item of items) {
      item.hidden =
        !chosen.has(item.dataset.category) ||
        item.dataset.probability < slider.valueAsNumber / 100 ||
        !BY_SOURCE[source.value](item) ||
        !texts.get(item).includes(wanted);
    }
    const shown = items.filter((item) => !item.hidden);
    const filtered = shown.length < items.length;
    root.classList.toggle("certainty-filtered", filtered);
    for (const part of root.querySelectorAll("section, .certainty-text > p")) {
      part.hidden = filtered && !part.querySelector(".certainty-sentence:not([hidden])");
    }
    tell(shown, filtered);
  };
  const tell = (shown, filtered) => {
    const counts = count(shown, categories);
    for (const { category, share } of rows) {
      const [n, of] = [counts.get(category), total.get(category)];
      share.textContent = filtered ? `${n} / ${of}` : `${n} · ${words.percent(n / items.length)}`;
    }
    drawBar(root.querySelector(".certainty-overview .certainty-bar"), counts, words);
    for (const { bar, own } of bars) drawBar(bar, count(own.filter((one) => !one.hidden), categories), words);
    least.textContent = words.percent(slider.valueAsNumber / 100);
    slider.setAttribute("aria-valuetext", least.textContent);
    status.textContent = words.say("shown", { shown: shown.length, n: words.counted(isPair ? "pairs" : "sentences", items.length) });
  };
  all.addEventListener("click", () => {
    rows.forEach(({ box }) => (box.checked = true));
    slider.value = 0;
    source.selectedIndex = 0;
    search.value = "";
    apply();
  });
  for (const control of [...rows.map(({ box }) => box), slider, source, search]) control.addEventListener("input", apply);
  return (chosen) => {
    words = chosen;
    key.setAttribute("aria-label", words.say(`${key.dataset.name}_filter`));
    apply();
  };
}
