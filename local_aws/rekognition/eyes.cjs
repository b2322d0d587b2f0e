'use strict'
/*
 * Runs face-api's networks on tfjs's WebAssembly backend, for eyes.py.
 *
 * A message, in either direction, is a 4-byte big-endian length and that much JSON; a request's JSON is followed by
 * width * height * 3 bytes of RGB. Requests are answered one by one, in order:
 *
 *   {"ask": "find", "width", "height", "confidence"}       -> {"faces": [{"box": [left, top, width, height], "score"}]}
 *   {"ask": "read", "width", "height", "box": [l, t, w, h]} -> {"landmarks": [[x, y] * 68], "expressions": {…},
 *                                                              "age", "gender", "genderProbability"}
 *
 * The answer for a face that cannot be analysed is {"unreadable": true}, that for a failure {"error": "…"}.
 *
 * The first message, {"ready": true}, is sent without a request when the networks are warm. The process ends when its
 * standard input is closed, so it cannot outlive its starter.
 */
const { registerHooks } = require('node:module')
const path = require('node:path')
const { pathToFileURL } = require('node:url')

console.log = console.info = console.warn = console.error // standard output belongs to the protocol

registerHooks({
  resolve (specifier, context, next) {
    if (specifier !== '@tensorflow/tfjs') return next(specifier, context)
    return { url: pathToFileURL(path.join(__dirname, 'tfjs.cjs')).href, format: 'commonjs', shortCircuit: true }
  }
})

const tf = require('./tfjs.cjs')
const wasm = require('@tensorflow/tfjs-backend-wasm')
const faceapi = require('@vladmandic/face-api/dist/face-api.node-wasm.js')

const folderOf = (name) => path.dirname(require.resolve(`${name}/package.json`))

async function wake () {
  wasm.setWasmPaths(path.join(folderOf('@tensorflow/tfjs-backend-wasm'), 'dist', path.sep))
  await tf.setBackend('wasm')
  const weights = path.join(folderOf('@vladmandic/face-api'), 'model')
  const { ssdMobilenetv1, faceLandmark68Net, faceExpressionNet, ageGenderNet } = faceapi.nets
  for (const net of [ssdMobilenetv1, faceLandmark68Net, faceExpressionNet, ageGenderNet]) {
    await net.loadFromDisk(weights)
  }
}

async function find (pixels, { confidence }) {
  const options = new faceapi.SsdMobilenetv1Options({ minConfidence: confidence, maxResults: 200 })
  const found = await faceapi.detectAllFaces(pixels, options)
  return { faces: found.map(({ score, box }) => ({ score, box: [box.x, box.y, box.width, box.height] })) }
}

async function read (pixels, { box: [left, top, width, height], width: across, height: down }) {
  const where = new faceapi.Rect(left / across, top / down, width / across, height / down)
  const detection = new faceapi.FaceDetection(1, where, { width: across, height: down })
  const [face] = await new faceapi.DetectAllFaceLandmarksTask(Promise.resolve([{ detection }]), pixels, false)
    .withFaceExpressions()
    .withAgeAndGender()
  if (!face) return { unreadable: true } // its landmarks led outside the picture
  const { age, gender, genderProbability } = face
  return {
    landmarks: face.landmarks.positions.map(({ x, y }) => [x, y]),
    expressions: { ...face.expressions },
    age,
    gender,
    genderProbability
  }
}

const answers = { find, read }

async function answer (question, rgb) {
  const pixels = tf.tensor3d(rgb, [question.height, question.width, 3], 'int32')
  try {
    return await answers[question.ask](pixels, question)
  } catch (error) {
    return { error: String(error) }
  } finally {
    pixels.dispose()
  }
}

// The starter has ended, so end as well.
process.stdout.on('error', () => process.exit(0))

function say (message) {
  const text = Buffer.from(JSON.stringify(message))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  process.stdout.write(Buffer.concat([length, text]))
}

async function main () {
  await wake()
  // The first run of each network compiles it, which takes about a second; do this before the first photo.
  const blank = new Uint8Array(64 * 64 * 3)
  await answer({ ask: 'find', width: 64, height: 64, confidence: 0.5 }, blank)
  await answer({ ask: 'read', width: 64, height: 64, box: [8, 8, 48, 48] }, blank)
  say({ ready: true })

  let held = []
  let size = 0
  const take = (count) => {
    const all = held.length === 1 ? held[0] : Buffer.concat(held)
    held = [all.subarray(count)]
    size -= count
    return all.subarray(0, count)
  }
  let question = null
  let length = null
  for await (const chunk of process.stdin) {
    held.push(chunk)
    size += chunk.length
    for (;;) {
      if (length === null && size >= 4) length = take(4).readUInt32BE()
      if (length !== null && question === null && size >= length) question = JSON.parse(take(length))
      if (question === null || size < question.width * question.height * 3) break
      say(await answer(question, new Uint8Array(take(question.width * question.height * 3))))
      question = length = null
    }
  }
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
