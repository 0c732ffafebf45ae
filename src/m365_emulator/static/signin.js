// Sends the answer to an application that asked for it as a form; without this file its button does.

document.querySelector("form[data-send]")?.submit();
