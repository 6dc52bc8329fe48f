export default {
  files: ['build/test/**/*.test.js'],
  failWithoutAssertions: true,
  timeout: '120s',
  concurrency: 2,
};
