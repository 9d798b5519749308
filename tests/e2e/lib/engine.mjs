// What tests of the engine share: a pipeline behind a path of its name, and its answer.

export const pipeline = (name, body) => `
name: ${name}
trigger:
  webhook: { path: /${name}, methods: [GET, POST] }
${body}`;

export const get = async (w, path, init) => {
  const r = await fetch(w.edge + path, init);
  const text = await r.text();
  let json;
  try { json = JSON.parse(text); } catch { /* not JSON */ }
  return { status: r.status, headers: r.headers, text, json };
};
