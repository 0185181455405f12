/** The test image of reference_numbers.py and published.py: edges, gradients and near-noise. @returns RGB, row by row */
export function testPattern(width: number, height: number): Uint8Array {
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      for (let c = 0; c < 3; c += 1) {
        const checker = 128 * ((Math.floor(x / 9) + Math.floor(y / 5)) % 2);
        pixels[(y * width + x) * 3 + c] = (x * 7 + y * 13 + c * 31 + ((x * y) % 97) + checker) % 256;
      }
    }
  }
  return pixels;
}
