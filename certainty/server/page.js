const by = (id) => document.getElementById(id);
const [form, text, view, hint, said, file, drop] = ["form", "text", "view", "hint", "status", "file", "drop"].map(by);
const EXAMPLE =
  "La ministre a présenté mardi un plan pour les hôpitaux. Selon plusieurs élus, son coût pourrait dépasser deux " +
  "milliards d'euros. Le ministère dément ce chiffre. À mon avis, l'idée était bonne mais elle vient trop tard. Qui paiera ?";
let running = null;
let apiKey = "";
let words = null;
let told = null;

// What is said is kept as a key, so that it follows the language; what the server says comes as it is.
const say = (key, { failed = false, ...values } = {}) => {
  told = { key, failed, values };
  said.textContent = key in WORDS[words.code] ? words.say(key, values) : key;
  said.classList.toggle("failed", failed);
};

const tellView = () => view.contentWindow?.postMessage({ certaintyLanguage: words.code }, "*");

const speak = (chosen) => {
  words = chosen;
  document.documentElement.lang = words.code;
  translate(document, words);
  for (const one of document.querySelectorAll("[data-label]")) {
    one.setAttribute(one === view ? "title" : "aria-label", words.say(one.dataset.label));
  }
  if (told) say(told.key, { failed: told.failed, ...told.values });
  tellView();
};

async function explain(response) {
  const type = response.headers.get("Content-Type") ?? "";
  if (!/json/.test(type)) return ["server_status", { status: response.status }]; // a proxy's page
  const problem = await response.json();
  return problem.detail ? [problem.detail] : ["server_status", { status: response.status }];
}

async function score() {
  if (!text.value.trim()) {
    say("server_empty", { failed: true });
    text.focus();
    return;
  }
  running?.abort();
  const mine = (running = new AbortController());
  say("server_scoring");
  try {
    const response = await fetch("v1/view", {
      method: "POST",
      headers: { "Content-Type": "application/json", ...(apiKey && { "X-API-Key": apiKey }) },
      body: JSON.stringify({ text: text.value }),
      signal: mine.signal,
    });
    if (response.status === 401 && (apiKey = prompt(words.say("server_api_key")) || "")) {
      await score();
      return;
    }
    if (!response.ok) {
      const [key, values] = await explain(response);
      say(key, { ...values, failed: true });
      return;
    }
    view.hidden = false; // so that its script knows how wide it is
    view.srcdoc = await response.text();
    hint.hidden = true;
    document.body.classList.add("scored");
    say("server_done");
    // In a narrow window the result is under the text: go there.
    if (by("result").getBoundingClientRect().top > innerHeight / 3) by("result").scrollIntoView({ block: "start" });
  } catch (error) {
    if (error.name !== "AbortError") say("server_away", { failed: true });
  } finally {
    if (running === mine) running = null;
  }
}

// What is no plain text: the command line reads the first kinds, but no others, such as images.
const READ_BY_COMMAND = /\.(pdf|docx|odt|rtf|epub|x?html?|csv|tsv|jsonl?|ndjson|parquet)$/i;
const isPlain = (content, name) => !/\.(pdf|docx?|odt|rtf|epub|x?html?|xlsx?|parquet|png|jpe?g|gif|webp|heic)$/i.test(name) && !content.includes("\0");

async function readFile(given) {
  const bytes = await given.arrayBuffer();
  let content;
  try {
    content = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    content = new TextDecoder("windows-1252").decode(bytes); // as older French files are
  }
  if (!isPlain(content, given.name)) {
    say(READ_BY_COMMAND.test(given.name) ? "server_kind" : "server_image", { name: given.name, failed: true });
    return;
  }
  text.value = content;
  await score();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  score();
});
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    score();
  }
});
by("example").addEventListener("click", () => {
  text.value = EXAMPLE;
  score();
});
by("open").addEventListener("click", () => file.click());
file.addEventListener("change", () => {
  if (file.files.length) readFile(file.files[0]);
  file.value = ""; // the same file may be opened again
});
view.addEventListener("load", tellView);

const holdsFile = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragover", (event) => {
  if (!holdsFile(event)) return;
  event.preventDefault();
  drop.hidden = false;
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.hidden = true;
});
addEventListener("drop", (event) => {
  if (!holdsFile(event)) return;
  event.preventDefault();
  drop.hidden = true;
  readFile(event.dataTransfer.files[0]);
});

const { group, take } = languageSwitch(speak);
document.querySelector("header").append(group);
take(preferred());
