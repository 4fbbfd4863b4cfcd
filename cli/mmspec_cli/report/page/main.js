// What the page says of itself, and the start.

document.getElementById("version").textContent = facts.mmspec;
document.getElementById("made").append(`Made ${facts.generated}`, ...(facts.commit ? [" from ", h("code", {}, facts.commit)] : []));
lights();
raise();
