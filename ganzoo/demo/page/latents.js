// The latents of a seed, as `ganzoo sample --seed` draws them: BLAKE2b gives the seed of torch's Mersenne Twister.
"use strict";

// ----------------------------------------------------------------------------
// BLAKE2b (RFC 7693) of a text of at most 128 bytes, with a digest of 64 bits.

const MASK = (1n << 64n) - 1n;
const START = [
  0x6a09e667f3bcc908n, 0xbb67ae8584caa73bn, 0x3c6ef372fe94f82bn, 0xa54ff53a5f1d36f1n,
  0x510e527fade682d1n, 0x9b05688c2b3e6c1fn, 0x1f83d9abfb41bd6bn, 0x5be0cd19137e2179n,
];
const ORDERS = [ // in which the 16 words of the message enter a round, in hexadecimal
  "0123456789abcdef", "ea489fd61c02b753", "b8c052fdae367194", "7931dcbe265a40f8", "905724afe1bc683d",
  "2c6a0b834d75fe19", "c51fed4a0763928b", "db7ec13950f4862a", "6fe9b308c2d714a5", "a2847615fb9e3cd0",
];
const QUARTERS = ["048c", "159d", "26ae", "37bf", "05af", "16bc", "278d", "349e"].map(readHexadecimals);

function readHexadecimals(text) {
  return [...text].map((digit) => parseInt(digit, 16));
}

function rotate(x, bits) {
  return ((x >> bits) | (x << (64n - bits))) & MASK;
}

/** Return the digest of a text as eight bytes. */
function hash(text) {
  const bytes = new TextEncoder().encode(text);
  const block = new DataView(new ArrayBuffer(128));
  bytes.forEach((byte, index) => block.setUint8(index, byte));
  const message = Array.from({ length: 16 }, (_, index) => block.getBigUint64(8 * index, true));
  const first = START[0] ^ 0x01010008n; // the parameters: no key, 8 bytes
  const v = [first, ...START.slice(1), ...START];
  v[12] ^= BigInt(bytes.length);
  v[14] ^= MASK; // the last block
  for (let round = 0; round < 12; round++) {
    const order = readHexadecimals(ORDERS[round % 10]);
    QUARTERS.forEach(([a, b, c, d], index) => {
      for (const [half, [r, s]] of [[0, [32n, 24n]], [1, [16n, 63n]]]) {
        v[a] = (v[a] + v[b] + message[order[2 * index + half]]) & MASK;
        v[d] = rotate(v[d] ^ v[a], r);
        v[c] = (v[c] + v[d]) & MASK;
        v[b] = rotate(v[b] ^ v[c], s);
      }
    });
  }
  const digest = new DataView(new ArrayBuffer(8));
  digest.setBigUint64(0, first ^ v[0] ^ v[8], true);
  return digest;
}

/** Return the seed of 63 bits that depends on all parts, as a BigInt. */
function deriveSeed(...parts) {
  return hash(parts.join("\0")).getBigUint64(0, false) >> 1n;
}

// ----------------------------------------------------------------------------
// The Mersenne Twister (Matsumoto & Nishimura 1998), and how torch makes numbers of its 32 bits.

class Twister {
  constructor(seed) {
    this.state = new Uint32Array(624);
    this.state[0] = Number(seed & 0xffffffffn); // torch uses the lower half alone
    for (let i = 1; i < 624; i++) {
      const last = this.state[i - 1] ^ (this.state[i - 1] >>> 30);
      this.state[i] = Math.imul(last, 1812433253) + i;
    }
    this.next = 624;
  }

  /** Return 32 random bits. */
  draw() {
    if (this.next === 624) this.twist();
    let y = this.state[this.next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  twist() {
    const s = this.state;
    for (let i = 0; i < 624; i++) {
      const y = (s[i] & 0x80000000) | (s[(i + 1) % 624] & 0x7fffffff);
      s[i] = s[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.next = 0;
  }

  /** Return a number in [0, 1) with the 24 bits of a float. */
  drawFloat() {
    return (this.draw() & 0xffffff) / 2 ** 24;
  }

  /** Return a number in [0, 1) with the 53 bits of a double. */
  drawDouble() {
    const high = this.draw(), low = this.draw();
    return ((high & 0x1fffff) * 2 ** 32 + low) / 2 ** 53;
  }

  /** Return normal numbers, as `torch.randn`: 16 at once by Box and Muller's method, fewer than 16 one by one. */
  drawNormals(num) {
    const found = new Float32Array(num);
    if (num < 16) {
      for (let i = 0; i < num; i++) {
        if (i % 2) continue; // made with the one before
        const angle = 2 * Math.PI * this.drawDouble(), radius = Math.sqrt(-2 * Math.log1p(-this.drawDouble()));
        found[i] = radius * Math.cos(angle);
        if (i + 1 < num) found[i + 1] = radius * Math.sin(angle);
      }
      return found;
    }
    for (let i = 0; i < num; i++) found[i] = this.drawFloat();
    for (let start = 0; start + 16 <= num; start += 16) this.transform(found.subarray(start, start + 16));
    if (num % 16) {
      const last = found.subarray(num - 16);
      for (let i = 0; i < 16; i++) last[i] = this.drawFloat();
      this.transform(last);
    }
    return found;
  }

  transform(block) {
    for (let i = 0; i < 8; i++) {
      const radius = Math.sqrt(-2 * Math.log(1 - block[i])), angle = 2 * Math.PI * block[i + 8];
      block[i] = radius * Math.cos(angle);
      block[i + 8] = radius * Math.sin(angle);
    }
  }
}

/**
 * Return the first latent of a seed.
 *
 * @param {string} kind The distribution: normal, uniform, or normal+onehotK.
 * @param {number} dimension The length of the latent.
 * @param {string} seed The seed, a whole number.
 */
function drawLatent(kind, dimension, seed) {
  const twister = new Twister(deriveSeed(seed, "z", 0));
  if (kind === "uniform") return Float32Array.from({ length: dimension }, () => twister.drawFloat() * 2 - 1);
  const z = twister.drawNormals(dimension);
  const codes = Number(kind.split("onehot")[1] ?? 0);
  if (codes) {
    const chosen = twister.draw() % codes;
    z.fill(0, dimension - codes);
    z[dimension - codes + chosen] = 1;
  }
  return z;
}
