// Draws the pictures that the model `avatars` was trained on: avatars of 16x16 pixels on white.
//
//     npm install @dicebear/core@9 @dicebear/pixel-art@9 @resvg/resvg-js@2
//     node avatars.mjs avatars 8000
//
// The arguments are the folder for the pictures and their number. The design is CC0 1.0, by DiceBear.

import { mkdirSync, writeFileSync } from "node:fs";
import { createAvatar } from "@dicebear/core";
import * as style from "@dicebear/pixel-art";
import { Resvg } from "@resvg/resvg-js";

const [folder, number] = process.argv.slice(2);
const drawn = { font: { loadSystemFonts: false }, fitTo: { mode: "width", value: 16 } };
mkdirSync(folder, { recursive: true });
for (let seed = 0; seed < Number(number); seed++) {
  const avatar = createAvatar(style, { seed: String(seed), size: 16, backgroundColor: ["ffffff"] });
  writeFileSync(`${folder}/${String(seed).padStart(6, "0")}.png`, new Resvg(avatar.toString(), drawn).render().asPng());
}
