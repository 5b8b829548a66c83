// Why a sentence has its label: shown for the sentence that is pointed at or focused, beside the text or at the edge of the
// window, never over the lines around.

// Whether the model has a head for cues, or it is not known which heads it has.
const tellsCues = (sentence) => !sentence.closest("[data-no-cues]");

function addExplanations(root, sentences) {
  const panel = element("div", { className: "certainty-panel", role: "tooltip", hidden: true });
  panel.id = `certainty-panel-${Math.random().toString(36).slice(2)}`;
  root.querySelector(root.matches(".certainty-notebook") ? ".certainty-content" : ".certainty-overview").append(panel);
  root.querySelector(".certainty-hint").dataset.word = "help_hint_script";
  let words = null;
  let described = null;
  let waiting = 0;

  const row = (category, name, probability) => {
    const bar = element("span", { className: className(category) });
    bar.style.width = `${100 * probability}%`;
    const track = element("span", { className: "certainty-track" }, bar);
    return element("div", { className: "certainty-row" }, element("span", { textContent: name }), track,
      element("span", { textContent: words.percent(probability) }));
  };
  const contents = (sentence) => {
    const { label, probabilities, claim_probability, attributed, cues, second, second_cues, source } = recordOf(sentence);
    const makesClaim = label !== "no_claim";
    const shares = makesClaim ? Object.entries(probabilities) : [];
    const joined = (spans) => spans.map((cue) => cue.text).join(" · ");
    const found = joined(cues);
    const attribution = source ? words.say("why_source", { source: source.text }) : words.say(attributed ? "why_attributed" : "why_not_attributed");
    return [
      element("p", { className: "certainty-headline", textContent: sentence.getAttribute("aria-label") }),
      element("div", { className: "certainty-rows" },
        ...shares.map(([label, p]) => row(label, words.say(label), p)),
        ...(claim_probability === null ? [] : [row("claim", words.say("why_claim"), claim_probability)])),
      ...(makesClaim
        ? [
            ...(found || tellsCues(sentence) ? [element("p", { textContent: found ? words.say("why_cues", { cues: found }) : words.say("why_no_cues") })] : []),
            ...(attributed === null ? [] : [element("p", { textContent: attribution })]),
            ...(second ? [element("p", { textContent: words.say("why_second", { label: [words.say(second), joined(second_cues)].filter(Boolean).join(" · ") }) })] : []),
          ]
        : []),
    ];
  };
  const hide = () => {
    clearTimeout(waiting);
    described?.removeAttribute("aria-describedby");
    described = null;
    panel.hidden = true;
    root.classList.remove("certainty-explaining");
  };
  const show = (sentence) => {
    hide();
    described = sentence;
    sentence.setAttribute("aria-describedby", panel.id);
    panel.replaceChildren(...contents(sentence));
    panel.hidden = false;
    root.classList.add("certainty-explaining");
    place(sentence);
  };
  // In a narrow window the panel is at the lower edge, or at the upper one where the sentence is low.
  const place = (sentence) => {
    const room = innerHeight - panel.offsetHeight - 4 * parseFloat(getComputedStyle(sentence).fontSize);
    panel.classList.toggle("certainty-above", sentence.getBoundingClientRect().bottom > room);
  };
  const soon = (action) => {
    clearTimeout(waiting);
    waiting = setTimeout(action, 150); // long enough to cross from the sentence to the panel
  };
  const focused = () => sentences.find((sentence) => sentence === document.activeElement);

  for (const sentence of sentences) {
    sentence.tabIndex = 0;
    sentence.removeAttribute("title");
  }
  root.addEventListener("pointerover", ({ target }) => {
    const sentence = target.closest(".certainty-sentence");
    if (sentence) soon(() => sentence !== described && show(sentence));
    else if (panel.contains(target)) clearTimeout(waiting);
    else soon(leave);
  });
  root.addEventListener("pointerleave", () => soon(leave));
  const leave = () => {
    const sentence = focused();
    if (!sentence) hide();
    else if (described && sentence !== described) show(sentence);
  };
  root.addEventListener("focusin", ({ target }) => {
    if (target.matches(".certainty-sentence")) show(target);
  });
  root.addEventListener("focusout", hide);
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !panel.hidden) {
      hide();
      event.stopPropagation();
      return;
    }
    const seen = sentences.filter((sentence) => !sentence.closest("[hidden]"));
    const at = seen.indexOf(event.target);
    const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: seen.length - 1 };
    if (at < 0 || !(event.key in to) || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    event.stopPropagation(); // a notebook around moves between its cells
    seen[to[event.key]]?.focus();
  });
  addEventListener("resize", () => described && place(described));
  addEventListener("scroll", () => described && (described === focused() ? place(described) : hide()), { passive: true });

  return (chosen) => {
    words = chosen;
    for (const sentence of sentences) {
      const { label, category, probability } = sentence.dataset;
      const verdict = [words.say(label), words.percent(probability)];
      if (category === "undecided") verdict.unshift(words.say(category));
      if (sentence.matches(".certainty-attributed")) verdict.push(words.say("attributed"));
      if (sentence.dataset.unread) verdict.push(words.counted("unread", Number(sentence.dataset.unread)));
      sentence.setAttribute("aria-label", verdict.join(", "));
    }
    if (described) show(described);
  };
}
