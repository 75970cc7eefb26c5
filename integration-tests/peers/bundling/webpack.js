// Bundles the file argv[2] into argv[3], and prints errors and warnings.
const path = require('node:path');
const { createRequire } = require('node:module');

const webpack = createRequire(process.cwd() + '/')('webpack');
const [entry, output] = process.argv.slice(2);

webpack({
  mode: 'production',
  devtool: false,
  context: path.dirname(entry),
  entry,
  target: 'web',
  output: { path: path.dirname(output), filename: path.basename(output) }
}, (error, stats) => {
  if (error) throw error;
  const { errors, warnings } = stats.toJson();

  process.stdout.write(JSON.stringify([...errors, ...warnings].map(({ message }) => message)));
});
