// All of this is added to a page that reads well without. Roots that are done are left alone, so a notebook may hold many.

// As it came, to be saved; a notebook around is none of ours.
const PAGE = document.querySelector("body > main.certainty") ? `<!DOCTYPE html>\n${document.documentElement.outerHTML}\n` : "";

// What a pair says of itself, and the summary of all, in the words of the page.
const tellChanges = (root) => (words) => {
  for (const pair of root.querySelectorAll(".certainty-pair")) {
    const { old, new: now } = pairOf(pair);
    if (!old || !now) continue;
    const parts = [];
    if (old.label !== now.label) parts.push(`${words.say(old.label)} → ${words.say(now.label)}`);
    if (old.attributed === !now.attributed && now.attributed !== null) parts.push(words.say(now.attributed ? "now_attributed" : "no_longer_attributed"));
    if (old.certainty !== null && now.certainty !== null) {
      const [before, after] = [words.percent(old.certainty), words.percent(now.certainty)];
      if (before !== after) parts.push(`${words.say("certainty")} ${before} → ${after}`);
    }
    pair.querySelector(".certainty-verdict").textContent = parts.join(" · ");
  }
  const summary = root.querySelector(".certainty-summary");
  const sizes = { before: words.counted("sentences", Number(summary.dataset.before)), after: words.counted("sentences", Number(summary.dataset.after)) };
  const changes = [...countsOf(root.querySelector(".certainty-bar"))].map(([change, n]) => words.say("tally", { name: words.say(change), n }));
  summary.textContent = [words.say("compared", sizes), ...changes].join(" · ");
};

// A frame may get its width only after its script has run.
function openWhereWide(root, more) {
  const watch = new ResizeObserver(() => {
    if (root.clientWidth <= 700) return;
    more.open = true;
    watch.disconnect();
  });
  watch.observe(root);
}

function start(root) {
  const sentences = [...root.querySelectorAll(".certainty-sentence")];
  const pairs = [...root.querySelectorAll(".certainty-pair")];
  const isPage = root.parentElement === document.body && root.matches("main");
  const controls = element("div", { className: "certainty-controls" });
  const speakers = [];
  let more = root.querySelector(".certainty-more");
  if (sentences.length) {
    if (more) more.querySelector("summary").after(controls);
    else {
      more = element("details", { className: "certainty-more" }, element("summary", { word: "filters" }), controls);
      root.querySelector(".certainty-key").after(more);
      openWhereWide(root, more);
    }
    speakers.push(addFilters(root, pairs.length ? pairs : sentences, controls));
    speakers.push(addExplanations(root, sentences));
    speakers.push(addExport(root, controls));
    if (pairs.length) speakers.push(tellChanges(root));
  } else {
    const bars = [...root.querySelectorAll(".certainty-bar")];
    const rows = [...root.querySelectorAll(".certainty-key li")];
    speakers.push((words) => {
      bars.forEach((bar) => drawBar(bar, countsOf(bar), words));
      const counts = bars.length ? countsOf(bars[0]) : new Map();
      const total = [...counts.values()].reduce((sum, n) => sum + n, 0);
      for (const row of total ? rows : []) {
        const n = counts.get(row.dataset.category);
        row.querySelector(".certainty-share").textContent = `${n} · ${words.percent(n / total)}`;
      }
    });
  }
  const speak = (words) => {
    root.lang = words.code;
    translate(root, words);
    if (isPage) {
      document.documentElement.lang = words.code;
      translate(document.head, words);
      for (const link of root.querySelectorAll(".certainty-back a, .certainty-index a")) {
        link.setAttribute("href", `${link.getAttribute("href").split("?")[0]}?lang=${words.code}`);
      }
    }
    speakers.forEach((speaker) => speaker(words));
  };
  if (root.dataset.anyLanguage === undefined) {
    speak(wordsOf(root.lang));
    return;
  }
  const { group, take } = languageSwitch(speak);
  if (isPage) root.querySelector(".certainty-overview").prepend(group);
  else controls.prepend(group);
  take(preferred());
  // A page that shows this one in a frame says in which language, and has a switch of its own.
  addEventListener("message", ({ data, source }) => {
    if (!isPage || source !== parent || parent === window || !known(data?.certaintyLanguage)) return;
    group.hidden = true;
    root.dispatchEvent(new Event("certainty-embedded"));
    take(known(data.certaintyLanguage));
  });
}

for (const root of document.querySelectorAll(".certainty:not([data-ready])")) {
  root.dataset.ready = "";
  start(root);
}
