// The page without it is whole: this looks again every two seconds, and adds buttons that copy.
const live = document.getElementById("live");
const news = document.getElementById("news");
let seen = "";

async function look() {
  if (!document.hidden) {
    try {
      const answer = await fetch("live", { cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (answer.ok) show(await answer.text());
    } catch {
      // No pod answers now, or the page is being left: the next look may tell more.
    }
  }
  setTimeout(look, 2000);
}

function show(text) {
  if (text === seen) return;
  const before = live.querySelector("h2").textContent;
  live.innerHTML = seen = text;
  const after = live.querySelector("h2").textContent;
  if (after !== before) news.textContent = after;
}

function offer(command) {
  const button = document.createElement("button");
  button.textContent = "Copy";
  button.type = "button";
  button.setAttribute("aria-label", `Copy: ${command.querySelector("pre").getAttribute("aria-label")}`);
  button.onclick = async () => {
    await navigator.clipboard.writeText(command.querySelector("code").textContent);
    button.textContent = news.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  };
  command.append(button);
}

if (navigator.clipboard) document.querySelectorAll(".command").forEach(offer);
setTimeout(look, 2000);
