// Before the first paint: the theme that was chosen on this device.
try {
  const chosen = localStorage.getItem('theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch { /* storage may be blocked: the system's theme serves */ }
