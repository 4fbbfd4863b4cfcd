// What the page says of itself, and the start.

document.getElementById("version").textContent = facts.mmspec;
document.getElementById("made").append(`Made ${facts.generated}`, ...(facts.commit ? [" from ", h("code", { title: facts.commit }, facts.commit.slice(0, 12), facts.commit.slice(40))] : []));
lights();
raise();
