import type { Artifact } from './artifact.ts';

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

/** Text as it may stand in XML and HTML, in an element or a quoted attribute. */
export const escapeMarkup = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => escapes[sign] ?? sign);

/** The list that Kibana expects at the root of the product docs: S3's ListBucketResult with everything on one page. */
export const listBucket = (files: readonly Artifact[], root: string): string => {
  const contents = files.map(
    ({ path, size, modifiedAt }) =>
      `<Contents><Key>${escapeMarkup(path.slice(root.length))}</Key>` +
      `<LastModified>${new Date(modifiedAt).toISOString()}</LastModified>` +
      `<Size>${size}</Size><StorageClass>STANDARD</StorageClass></Contents>`,
  );
  return (
    '<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
    `<Name>product-docs</Name><Prefix></Prefix><Marker></Marker><MaxKeys>${Math.max(1000, files.length)}</MaxKeys>` +
    `<KeyCount>${files.length}</KeyCount><IsTruncated>false</IsTruncated>${contents.join('')}</ListBucketResult>\n`
  );
};
