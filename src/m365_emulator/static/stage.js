// The live part of the page: counters and the last requests, every two seconds while it is looked
// at. Without this file everything on the page works, and the numbers are those of its loading.

const counters = document.querySelectorAll("[data-counter]");
const rows = document.getElementById("requests");
const clock = document.getElementById("clock");

const at = (from, path) => path.split(".").reduce((found, name) => found?.[name], from);

function show(state) {
  for (const counter of counters) {
    counter.textContent = (at(state, counter.dataset.counter) ?? 0).toLocaleString("en");
  }
  clock.dateTime = state.now;
  clock.textContent = `${state.now.slice(0, 19).replace("T", " ")} UTC`;
}

function list(requests) {
  const made = requests.toReversed().map((request) => {
    const row = document.createElement("tr");
    const what = request.fault ? `${request.status || "cut"} ${request.fault}` : request.status;
    for (const text of [request.at.slice(11, 19), what, `${request.method} ${request.path}`]) {
      row.insertCell().textContent = text;
    }
    return row;
  });
  if (made.length) rows.replaceChildren(...made);
}

async function look() {
  if (document.hidden) return;
  try {
    const [state, requests] = await Promise.all(
      ["/_emulator/state", "/_emulator/requests?last=10"].map(async (path) =>
        (await fetch(path, { headers: { accept: "application/json" } })).json(),
      ),
    );
    show(state);
    list(requests.requests);
  } catch {
    clock.textContent = "the stage does not answer";
  }
}

setInterval(look, 2000);
