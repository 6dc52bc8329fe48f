import type { ErrorKind } from './error-kind.ts';

/** Container images. */
export const imageErrors = {
  BASE_IMAGE_INVALID: {
    status: 500,
    message: '{file}: {reason}',
    advice:
      'Save the base image again: `docker save -o base.tar NAME:TAG`, or `skopeo copy SOURCE oci-archive:base.tar`; docs/images.md shows both.',
  },
  IMAGE_CONTENT_INVALID: {
    status: 500,
    message: '{path}: {reason}',
    advice: 'Name a folder of packages or a depot that nothing writes to while the image is made.',
  },
  IMAGE_WRITE_FAILED: {
    status: 500,
    message: '{path}: the image could not be written: {reason}',
    advice: 'Make room or name another place with -o; nothing half-written was left behind.',
  },
} as const satisfies Record<string, ErrorKind>;
