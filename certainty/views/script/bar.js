// The bar of a text: the share of each category, as drawn and in words.

const className = (category) => `certainty-${category.replace("_", "-")}`;

const countsOf = (bar) => new Map(bar.dataset.counts.split(" ").map((pair) => pair.split("=")).map(([name, n]) => [name, Number(n)]));

const drawBar = (bar, counts, words) => {
  const present = [...counts].filter(([, n]) => n);
  const total = present.reduce((sum, [, n]) => sum + n, 0);
  bar.setAttribute("aria-label", present.map(([name, n]) => `${words.say(name)} ${words.percent(n / total)}`).join(", "));
  bar.hidden = !total;
  bar.replaceChildren(
    ...present.map(([name, n]) => {
      const part = element("span", { className: className(name) });
      part.style.flexGrow = n;
      return part;
    }),
  );
};
