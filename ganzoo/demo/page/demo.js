// The page: controls, one call of the network at a time, and the picture.
"use strict";

const model = window.GANZOO_MODEL;
const byId = (id) => document.getElementById(id);
const canvas = byId("picture"), form = byId("controls"), status = byId("status");

// ----------------------------------------------------------------------------
// Loading. All parts are in scripts, so that the page also works from a disk, without a server.

async function unpack(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function load() {
  const { source, wasm } = window.GANZOO_RUNTIME;
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const runtime = await import(address);
  runtime.env.wasm.numThreads = 1; // more need headers that a plain static host does not send
  runtime.env.wasm.wasmBinary = (await unpack(wasm)).buffer;
  const session = await runtime.InferenceSession.create(await unpack(model.network));
  return { runtime, session };
}

// ----------------------------------------------------------------------------
// From the controls to the network's inputs.

function readSeed(input) {
  return /^\d{1,18}$/.test(input.value) ? String(BigInt(input.value)) : "0";
}

/** Return the latent that is a share of the way between two: on a sphere for normal numbers, otherwise straight. */
function interpolate(start, end, share) {
  const straight = start.map((value, index) => value + share * (end[index] - value));
  if (model.latent === "uniform") return straight;
  const cut = start.length - Number(model.latent.split("onehot")[1] ?? 0); // one-hot codes are blended
  let [first, last, both] = [0, 0, 0];
  for (let i = 0; i < cut; i++) {
    first += start[i] ** 2;
    last += end[i] ** 2;
    both += start[i] * end[i];
  }
  const [size, other] = [Math.sqrt(first), Math.sqrt(last)];
  const angle = Math.acos(Math.min(1, Math.max(-1, both / (size * other))));
  if (!(Math.sin(angle) > 1e-6)) return straight;
  const length = (size + share * (other - size)) / Math.sin(angle);
  const [a, b] = [Math.sin((1 - share) * angle) / size, Math.sin(share * angle) / other];
  return straight.map((value, i) => (i < cut ? length * (a * start[i] + b * end[i]) : value));
}

function makeInputs(runtime) {
  const share = Number(byId("mix").value);
  let z = drawLatent(model.latent, model.dimension, readSeed(byId("seed")));
  if (share > 0) z = interpolate(z, drawLatent(model.latent, model.dimension, readSeed(byId("other"))), share);
  const amounts = [...document.querySelectorAll("#directions input")].map((input) => Number(input.value));
  const numbers = Float32Array.from([...z, ...amounts]);
  const inputs = { z: new runtime.Tensor("float32", numbers, [1, numbers.length]) };
  if (model.classes.length) {
    inputs.labels = new runtime.Tensor("int64", BigInt64Array.of(BigInt(byId("class").value)), [1]);
  }
  if (model.truncation) {
    inputs.truncation = new runtime.Tensor("float32", Float32Array.of(Number(byId("truncation").value)), []);
  }
  return inputs;
}

// ----------------------------------------------------------------------------
// The picture.

function draw(samples) {
  const [, channels, height, width] = samples.dims;
  const context = canvas.getContext("2d"), image = context.createImageData(width, height), size = width * height;
  for (let pixel = 0; pixel < size; pixel++) {
    for (let colour = 0; colour < 3; colour++) {
      const value = samples.data[Math.min(colour, channels - 1) * size + pixel];
      image.data[4 * pixel + colour] = Math.round((value + 1) * 127.5); // clamped to 0 and 255
    }
    image.data[4 * pixel + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

function describe() {
  const words = [`seed ${readSeed(byId("seed"))}`];
  const share = Number(byId("mix").value);
  if (share > 0) words.push(`${Math.round(100 * share)} % towards seed ${readSeed(byId("other"))}`);
  if (model.classes.length) words.push(`class ${byId("class").selectedOptions[0].text}`);
  if ([...document.querySelectorAll("#directions input")].some((input) => Number(input.value))) words.push("moved");
  return words.join(", ");
}

function download() {
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${model.name}-seed${readSeed(byId("seed"))}.png`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  });
}

// ----------------------------------------------------------------------------
// The controls.

function addDirections() {
  for (let number = 0; number < model.directions; number++) {
    const row = document.createElement("div"), id = `direction-${number}`;
    row.className = "row";
    row.innerHTML = `<label for="${id}">Direction ${number}</label>
      <input id="${id}" type="range" min="-3" max="3" step="0.05" value="0"><output for="${id}"></output>`;
    byId("directions").append(row);
  }
  byId("directions").hidden = !model.directions;
}

function addClasses() {
  model.classes.forEach((name, number) => byId("class").append(new Option(name, number)));
  byId("class-row").hidden = !model.classes.length;
  byId("truncation-row").hidden = !model.truncation;
  byId("choices").hidden = !model.classes.length && !model.truncation;
}

function showNumbers() {
  for (const output of document.querySelectorAll("output")) {
    output.textContent = Number(byId(output.htmlFor.value).value).toFixed(2);
  }
}

async function start() {
  addDirections();
  addClasses();
  showNumbers();
  const { runtime, session } = await load();
  let busy = false, again = false;
  async function update() {
    showNumbers();
    document.body.dataset.state = "busy";
    if (busy) {
      again = true; // one call at a time: the last state of the controls follows
      return;
    }
    busy = true;
    try {
      do {
        again = false;
        const words = describe();
        const { samples } = await session.run(makeInputs(runtime));
        draw(samples);
        status.textContent = words[0].toUpperCase() + words.slice(1);
        canvas.setAttribute("aria-label", `The generated picture: ${words}`);
      } while (again);
      document.body.dataset.state = "ready";
    } catch (error) {
      fail(error);
    } finally {
      busy = false;
    }
  }
  form.addEventListener("input", update);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(update));
  byId("another").addEventListener("click", () => {
    byId("seed").value = Math.floor(Math.random() * 1e6);
    update();
  });
  byId("download").addEventListener("click", download);
  await update();
}

function fail(error) {
  document.body.dataset.state = "failed";
  status.textContent = `The model cannot run in this browser: ${error.message ?? error}`;
}

start().catch(fail);
