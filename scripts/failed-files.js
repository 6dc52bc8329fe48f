// Prints the compiled test files whose tests failed or hung in an AVA log, one a line: failed-files.js LOG
import { existsSync, readFileSync } from 'node:fs';

const [log = ''] = process.argv.slice(2);
const files = new Set();
for (const [, title = ''] of readFileSync(log, 'utf8').matchAll(/^\s*(?:✘ \[fail\]:|◌) (.*)$/gm)) {
  // A title begins with the path of its file: `net › proxies › a distribution comes …`.
  const parts = title.split(' › ');
  for (let length = parts.length; length > 0; length--) {
    const file = `build/test/${parts.slice(0, length).join('/')}.test.js`;
    if (existsSync(file)) {
      files.add(file);
      break;
    }
  }
}
for (const [, file = ''] of readFileSync(log, 'utf8').matchAll(/pending in (build\/test\/\S+\.js)/g)) {
  files.add(file);
}
process.stdout.write([...files].join('\n'));
