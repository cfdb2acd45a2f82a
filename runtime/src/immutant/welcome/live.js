// The page without it is whole: this looks again every two seconds, and adds buttons that copy.
const live = document.getElementById("live");
const news = document.getElementById("news");
let seen = "";

async function look() {
  if (!document.hidden) {
    const text = await ask();
    news.classList.toggle("unseen", text !== null);
    if (text === null) say("No answer now; this was seen last. Looking again.");
    else if (text.includes('id="pods"')) show(text);
    else return location.reload(); // another application answers: its code has come
  }
  setTimeout(look, 2000);
}

async function ask() {
  try {
    const answer = await fetch("live", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    return answer.status < 500 ? await answer.text() : null;
  } catch {
    return null;
  }
}

function show(text) {
  const before = live.querySelector("h2").textContent;
  if (text !== seen) live.innerHTML = seen = text;
  const after = live.querySelector("h2").textContent;
  if (after !== before || news.textContent.startsWith("No answer")) say(after);
}

// Whoever listens to the page hears what changes here, and only what changes.
function say(text) {
  if (news.textContent !== text) news.textContent = text;
}

function offer(command) {
  const button = document.createElement("button");
  button.textContent = "Copy";
  button.type = "button";
  button.setAttribute("aria-label", `Copy: ${command.querySelector("pre").getAttribute("aria-label")}`);
  button.onclick = async () => {
    await navigator.clipboard.writeText(command.querySelector("code").textContent);
    button.textContent = "Copied";
    say("Copied");
    setTimeout(() => (button.textContent = "Copy"), 2000);
  };
  command.append(button);
}

if (navigator.clipboard) document.querySelectorAll(".command").forEach(offer);
setTimeout(look, 2000);
