'use strict'
/*
 * The module "@tensorflow/tfjs" for face-api, built from tfjs-core alone.
 *
 * The complete tfjs includes layers, converters and further backends that are not needed here. Its core has every
 * operation as a function, `add(x, y)`. Its CommonJS build lacks the same operations as methods, `x.add(y)`
 * (tfjs-core/src/public/chained_ops), which face-api also uses.
 */
const tf = require('@tensorflow/tfjs-core')

const chained = tf.Tensor.prototype
for (const [name, operation] of Object.entries(tf)) {
  if (typeof operation === 'function' && /^[a-z]/.test(name) && !(name in chained)) {
    chained[name] = function (...rest) { return operation(this, ...rest) }
  }
}
for (const rank of [1, 2, 3, 4, 5]) {
  chained[`as${rank}D`] = function (...shape) { return tf.reshape(this, rank === 1 ? [this.size] : shape) }
}
chained.asScalar = function () { return tf.reshape(this, []) }
chained.toFloat = function () { return tf.cast(this, 'float32') }
chained.toInt = function () { return tf.cast(this, 'int32') }

module.exports = tf
