// The words of the page, and the language in which they are said.

const LANGUAGES = Object.keys(WORDS);
const known = (tag) => LANGUAGES.find((code) => code === String(tag).toLowerCase().split("-")[0]);

// What the address asks for (?lang=fr), else the first language of the browser that there are words for.
const preferred = () =>
  [new URLSearchParams(location.search).get("lang"), ...navigator.languages].map(known).find(Boolean) ?? LANGUAGES[0];

const wordsOf = (code) => {
  const one = new Intl.PluralRules(code);
  const say = (key, values = {}) => WORDS[code][key].replace(/\{(\w+)\}/g, (_, name) => values[name]);
  return {
    code,
    say,
    counted: (key, n) => say(`${key}_${one.select(n) === "one" ? "one" : "other"}`, { n }),
    percent: (p) => say("percent", { n: p < 1 && p >= 0.995 ? ">99" : p > 0 && p < 0.005 ? "<1" : (100 * p).toFixed(0) }),
  };
};

const element = (tag, { word, ...properties } = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  if (word) made.dataset.word = word;
  made.append(...children);
  return made;
};

// Say every word within again. `data-n` is a number with its noun, `data-number` a number with a decimal mark.
const translate = (scope, words) => {
  for (const said of scope.querySelectorAll("[data-word]")) {
    const { word, n, number } = said.dataset;
    if (n !== undefined) said.textContent = words.counted(word, Number(n));
    else said.textContent = words.say(word, { number: Number(number ?? 0).toLocaleString(words.code) });
  }
};

// A button for each language; `choose` is called with the words of the one that is taken.
const languageSwitch = (choose) => {
  const buttons = LANGUAGES.map((code) =>
    element("button", { type: "button", lang: code, textContent: WORDS[code].language, value: code }),
  );
  const group = element("div", { className: "certainty-languages", role: "group" }, ...buttons);
  const take = (code) => {
    for (const button of buttons) button.setAttribute("aria-pressed", button.value === code);
    const words = wordsOf(code);
    group.setAttribute("aria-label", words.say("languages"));
    choose(words);
  };
  for (const button of buttons) button.addEventListener("click", () => take(button.value));
  return { group, take };
};
