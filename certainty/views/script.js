// Filters, and a panel with the probabilities of the sentence that is pointed at or focused. The page reads well
// without: all of this is added to it. Roots that are done are left alone, so a notebook may hold many copies.
(() => {
  "use strict";

  const element = (tag, properties, ...children) => {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  };

  function addFilters(root, sentences) {
    const boxes = [...root.querySelectorAll(".certainty-key li")].map((item) => {
      const box = element("input", { type: "checkbox", checked: true, value: item.dataset.category });
      box.autocomplete = "off"; // Firefox would restore it on reload
      item.append(element("label", {}, box, ...item.childNodes));
      return box;
    });
    const slider = element("input", { type: "range", min: 0, max: 100, value: 0, autocomplete: "off" });
    const least = element("span", { className: "certainty-least" });
    const all = element("button", { type: "button", textContent: "Show all" });
    const status = element("p", { className: "certainty-status", role: "status" });

    const apply = () => {
      const categories = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
      const probability = slider.valueAsNumber / 100;
      for (const sentence of sentences) {
        sentence.hidden = !categories.has(sentence.dataset.category) || sentence.dataset.probability < probability;
      }
      const shown = sentences.filter((sentence) => !sentence.hidden).length;
      root.classList.toggle("certainty-filtered", shown < sentences.length);
      least.textContent = `${slider.value}%`;
      slider.setAttribute("aria-valuetext", least.textContent);
      status.textContent = `${shown} of ${sentences.length} sentences shown`;
    };
    all.addEventListener("click", () => {
      boxes.forEach((box) => (box.checked = true));
      slider.value = 0;
      apply();
    });
    const key = root.querySelector(".certainty-key");
    key.setAttribute("aria-label", "Show the sentences of each label");
    (root.querySelector(".certainty-more summary") ?? key).after(
      element("div", { className: "certainty-controls" }, element("label", {}, "Probability at least", least, slider), all),
      status,
    );
    [...boxes, slider].forEach((control) => control.addEventListener("input", apply));
    apply();
  }

  function addPanel(root, sentences) {
    const panel = element("div", { className: "certainty-panel", role: "tooltip", hidden: true });
    panel.id = `certainty-panel-${Math.random().toString(36).slice(2)}`;
    root.append(panel);
    root.querySelector(".certainty-hint").textContent =
      "Point at a sentence, or move to it with Tab or the arrow keys, for its probabilities.";
    let described = null;
    let waiting = 0;

    const row = (words) => {
      const [, name, percent] = words.match(/^(.*) (\S+)$/);
      const bar = element("span", { className: `certainty-${name.replace(" ", "-")}` });
      bar.style.width = percent.replace(/[<>]/, "");
      const track = element("span", { className: "certainty-track" }, bar);
      return element("div", { className: "certainty-row" }, element("span", { textContent: name }), track,
        element("span", { textContent: percent }));
    };
    const hide = () => {
      clearTimeout(waiting);
      described?.removeAttribute("aria-describedby");
      described = null;
      panel.hidden = true;
    };
    const show = (sentence) => {
      hide();
      described = sentence;
      sentence.setAttribute("aria-describedby", panel.id);
      const probabilities = sentence.dataset.probabilities.split(" · ");
      panel.replaceChildren(
        element("p", { textContent: sentence.getAttribute("aria-label") }),
        ...probabilities.map(row),
      );
      panel.hidden = false;
      place(panel, sentence, root);
    };
    const soon = (action) => {
      clearTimeout(waiting);
      waiting = setTimeout(action, 150); // long enough to cross from the sentence to the panel
    };
    const focused = () => sentences.find((sentence) => sentence === document.activeElement);

    for (const sentence of sentences) {
      sentence.tabIndex = 0;
      sentence.dataset.probabilities = sentence.title;
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
      const seen = sentences.filter((sentence) => !sentence.hidden);
      const at = seen.indexOf(event.target);
      const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: seen.length - 1 };
      if (at < 0 || !(event.key in to) || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      event.stopPropagation(); // a notebook around moves between its cells
      seen[to[event.key]]?.focus();
    });
    addEventListener("resize", hide);
    root.addEventListener("scroll", () => described && place(panel, described, root), true); // of the text within
  }

  // Under the last line of the sentence, or over its first where there is no room below.
  function place(panel, sentence, root) {
    const frame = root.getBoundingClientRect();
    const lines = sentence.getClientRects();
    const first = lines[0];
    const last = lines[lines.length - 1];
    const gap = 6;
    const bottom = Math.min(innerHeight, frame.bottom);
    const below = last.bottom + gap + panel.offsetHeight <= bottom || first.top - gap - panel.offsetHeight < Math.max(0, frame.top);
    const top = below ? last.bottom + gap : first.top - gap - panel.offsetHeight;
    const left = Math.min((below ? last : first).left, frame.right - panel.offsetWidth - gap);
    panel.style.top = `${top - frame.top}px`;
    panel.style.left = `${Math.max(left - frame.left, gap)}px`;
  }

  for (const root of document.querySelectorAll(".certainty:not([data-ready])")) {
    root.dataset.ready = "";
    const sentences = [...root.querySelectorAll(".certainty-sentence")];
    if (!sentences.length) continue;
    addFilters(root, sentences);
    addPanel(root, sentences);
  }
})();
