import test from 'ava';
import { mediumError, refuseSmallMedium, type DiskFacts } from '../../src/bundle/medium.ts';

const gibibyte = 2 ** 30;
const disk = (type: number, free: number) => (): Promise<DiskFacts> =>
  Promise.resolve({ type, bsize: 4096, blocks: 2 ** 24, bavail: Math.floor(free / 4096) });
const [fat, ext4] = [0x4d44, 0xef53];

test('on FAT a volume of 4 GiB is refused before it is written, one below is not, and elsewhere neither', async (t) => {
  const room = 100 * gibibyte;
  await t.throwsAsync(refuseSmallMedium('/usb/b.tar', [1000, 4 * gibibyte], disk(fat, room)), {
    code: 'BUNDLE_UNFIT',
    message: '/usb/b.tar: the file system allows no file of this size; say --volume-size 4GiB',
  });
  await t.notThrowsAsync(refuseSmallMedium('/usb/b.tar', [4 * gibibyte - 1], disk(fat, room)));
  await t.notThrowsAsync(refuseSmallMedium('/usb/b.tar', [4 * gibibyte], disk(ext4, room)));
});

test('all volumes together have to fit; a disk that does not say how large it is is left to the writing', async (t) => {
  const volumes = [gibibyte, gibibyte];
  await t.notThrowsAsync(refuseSmallMedium('/usb/b.tar', volumes, disk(ext4, 2 * gibibyte)));
  await t.throwsAsync(refuseSmallMedium('/usb/b.tar', volumes, disk(ext4, 2 * gibibyte - 4096)), {
    code: 'BUNDLE_UNFIT',
    message: '/usb/b.tar: the bundle has 2147483648 bytes, 2147479552 are free on that disk',
  });
  const silent = () => Promise.resolve({ type: 0, bsize: 4096, blocks: 0, bavail: 0 });
  await t.notThrowsAsync(refuseSmallMedium('/usb/b.tar', volumes, silent));
  await t.notThrowsAsync(refuseSmallMedium('/usb/b.tar', volumes, () => Promise.reject(new Error('no'))));
});

test('a disk that turns out too small is told with the way out, any other error as it was', (t) => {
  const failed = (code: string): Error => Object.assign(new Error(code), { code });
  t.like(mediumError('/usb/b.tar', failed('EFBIG')), {
    code: 'BUNDLE_UNFIT',
    message: '/usb/b.tar: the file system allows no file of this size; say --volume-size 4GiB',
  });
  t.like(mediumError('/usb/b.tar', failed('EDQUOT')), { message: '/usb/b.tar: the quota is used up' });
  const other = failed('EIO');
  t.is(mediumError('/usb/b.tar', other), other);
});
