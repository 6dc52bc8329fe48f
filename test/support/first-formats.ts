// What the first version of the program wrote, byte for byte: later ones have to read it. Never to be made anew.

/** A whole unsigned bundle of three files: gzip, base64. */
export const firstBundle = [
  'H4sIAAAAAAACA+1XzW4bNxD2WU9BqJcWkBT+Lrm6Fa6LFGiTAvGtKOAhObS2lnaFXdpFYgfI0/TB+iSdlezEdmz0oERG6/0ELakhOcMhd74ZXT',
  'TL8xXO/uia+uBrgXNeaM36lnC/5VxyxfgnMC6EKiSNH+wB512GlrbyBZy849x/BJfj1LQryOP5OC0R8zTiusnTi81r8UKMJ2N/Xscl0jgImVAE',
  'rcFYa70CLpFrL4INsXRe8kgC0QuNEoUCn7xNygSBAjXwSLrq85XHdjwXk3FuMiyp9350MODpsIK6Stjlr8kA/xL/ggt5P/6Lgg/x/4Txvw36Tf',
  'xvqaDbBO0aTokJLsfdAqQpaI3xEnRIqsRAHQ5SpRS0s9p4DwXXiD4Ji8GryF1QUIAGD6awURmTEEh/V70jnY7z95Mx1rmtelu/jS7JWF70tDMV',
  'M06fd9W6n31j2aEpfKFK5ySmUqTCBlPasjAxeW1E8FGi9lpEAY74yXMRo5JaABjhaN5Hy0Le+Niz0eRBw7OuOr1tXKP0XiijVMDSm2ilg6BKqS',
  'xYGWxJ3hILRppN5gvnUXKegregSO5uG9ePGPcPe20i2iIYQK2K6FCUGAVHZwwIIZ1LTlmXvJQgixAF+S2l9kGEEuh0orSPeD36faDh54nD16+O',
  'j14dv5mt4lPVf0Jrfo//udVq4P994Bt22NSZeLdjTWJ5UXVsy/2j0ZSGVuslZmQd5jlTLFVL7CZMOebf5r4Xq1OqHVhpIzGqB1sggPUBLFB56K',
  'XVWsvSUQ1IHGSByItD5IoK/hKdcBxSAi+MI1MvcRnZAlt80E5VM8G2dEVzf4GILLXNigFLzTJie2uvc1Yjxo7VDTlTnzLI5BWyFgNWF5uZawhn',
  'lMc69m3Prt/NmSQhEXwN+bzdiOkHicVodLjAcMaqzP6s8oKd3MqQ16fESGWV3rIff/r56O8Pf51MWIYz7FfQlh9dVK3WTZtvFrHptKpzw344+v',
  'X18clsdARhsTkCtqRc2CvqHYA2LMgBBh07Cdsre/Hm5fdTygu0ZnTF+sTBrrYnRu32tKhzPYld0ZzpdMo2z/mdZjN2K92RlEoyetB31zx7X3d/',
  'uL1qfa1/11S60e8f3vuu2ZJ0/9/5/+ZV2vWad/n/TxngLv9LocVQ/+/z/nvyh6Eaen64if9daXi3+C8+j/9iiP994GPdMzDAs47/XUulL5z/jR',
  'JD/O85//shGgYMGDDg+eAf2otumAAgAAA=',
].join('');

/** A depot with two snapshots, the first pinned, the second labelled `good`: tar, gzip, base64. */
export const firstDepot = [
  'H4sIAAAAAAACA+1c21IjOQzlma9I5ZkEy7Z84W3/YZ+Ymgdf5CGzkE6lm92qmZp/X3UgBQRoYCCXKawUJHHcvuhIx1LbSaZF050ebVUEi0VcPb',
  'NsPj9+DcIocTTCox3IdduF5Wh0tGyabqjeS5//oZJX+Kdm3tF8W3bwdvylErLiv3v824sg0ZzuHX+loOK/P/w1ne4ZfyMr/nvFX5OMERQqlchH',
  'zFa6kJSXygYrk/UqCxKYuXqGYFwkKURJ0QbF5c6bTfy11s/jD+Yh/lIra49GouK/dWln3+ahu17SqCmjcFTlk8mT/o+58v9n5n/GHzNZkzCQVi',
  'Y7Ak8ZBDnEACCdK05ZV6KUQZqUIWUvpY4Jkg8JfZb2bfyvN/kf+/iv8v/25Rb5nv1jZcPK/yv/dwcQ/5vK//vE3xGaaJR3TlLxUIxlXrfeYC6R',
  '2TnFLElHDRz9O2b/KCBnJTWEgODsW+N//Tj+x8r/O+b/Gv1/Xv6/Xi7ZCrbUx4r/OaF/Pf9bNMz/sp2HRXvRdO2pFNJw4Gn+FlqC1k7C+YQSqZ',
  'ykqf7/bvxX/6ff22a+LfzNAP8Dms37/0aLyv+7kJ/j0iyvQjc+G5dLom5yYxAwPhnPMhcqxIg2w8SkJCY6gJlEF+MkEIpAUvrsNNdNSwod5b/6',
  'dnpfnQBMVt56JuFMw9QZdT7+dVz59jD9/3tzvZyHyxUDXO7a/5UB+2j/x1T/35H/z8dncDLuZlf0nO86OGcXv25pyTV6PfC7kLpZw5eOZ/NZ/3',
  '7edP31K3MavZI0Fkv6d9Zct3ydeKcwt6xmIgdn4oUbmsnVoln2Jeuw47aVu7gDnHfnE28zJzgxcM08+0ZtX29dZg2FYGMKNkQVorSc90jvFKaY',
  'wAbMJEIWSkjhyYEToZQQAR23Fa/n+bIfeQBZCJLWATlq4maEJKEjJMuJlotSZC6AvhAVGO6lRFu4ByAgHUS+Q0ONyuyS2oeqdtZFb23SQpYIxW',
  'fO8sBYq1NyDoWgEqMnFZRXTkFKQWmMFHwCEZCKXKtaDasahoym/W/WpYu9qfpWPd0FsYKWLWc/c9qwR6ulytFgKFSsS46bIU6AyblIzmCMImcG',
  'QriAyaGxPipWlrOk2O7Jr5WkB5Qkp3bQHhez+Zs0dG/4JWUVhSH+Y/TAmqJi0NokU5xLABBlIojWRCUQmW8xaAuUVJYFLdn18HFg+HrqlHmXOz',
  '0M4+9jvC5TKSqffNSoSefECpZFllIMBMrkedg5Jmu9sIpnGrWxPEvy+b47aR9IW+c1G0uUFECjoOQgRkxBeExFaRF4FSrowZLJmRckg2h9FtwR',
  '3tmLfMqdggdV2DYiOBl0SNqi15KRRalKMEVa9hyFnqQIiadgIWUmR6FAAWIJa1WbYVVr9S532qqqb9UTiUNJOhu93kylKy5LIXRmz4oFslaFFa',
  'TASi53THiSWJneIwIqx4YsVOLu2SEDso2vdWcHdIdTb4eo6DJEunyT6m6n+61p8sPpMN658CNL5TNzEpM0sA2h1D2vsgsKNN4wFRWeQSEThfRs',
  'N4kiU1c0Yh8B8k38dxWW/7T7y/8MPs7/6v7PbuK/49GoX2nYfkdf+DW/G/RfrvL1pL9m5Tf9VT9vrlq5w9lo2Hm46q/jmgYeXP63pNQsc3s45z',
  '+lhbr/s3v8h1z/95eHF/gfeG3fwN/020WV//d2/2+yjobubgS+ENW9dAPQC3H+wVlcahYz4qGJj82db2L8sy8cWi5Cd9E3OoGp4MeP2aIPFFd7',
  'pH0i/c4t0r6t2Q8eNchfJ0/2Nm1n3+73+N5DmXc96vs9xqfn994jQPfnd/y1rvp/HP8/DN62xv/C2s3436Cp/H/I/P8oKR7mfz110p9/8G2Hp/',
  'j/A272fBL+v2XkG/+/22g/kPjfYD3/u0P+f+6gxcMw73Rn+BtQFf/Dw/8eNb0V/8Hzf5uvldb99z9hF4cTK/6/hX+/NG0Pf+Tc7Dn8P/jLaRX/',
  '1+Mfd+b/KMVz+H/wl1Mq/gP4Pwzzd7j+M1nX9f/g8N/d+o8Adf0/ZPy3vP5LK+v6vzv8u6vFFn8D6O38D7r+/k+VKlWqVKmyPfkfP3LIjgBQAA',
  'A=',
].join('');

/** The receipt of that depot. */
export const firstReceipt = [
  'fleet-depot-receipt/1',
  'depot: 355b57d1-6cc0-4a16-b8bb-ae50ae229d84',
  'snapshot: 20261126T042144821Z-ece3dc26',
  'digest: ece3dc263cb39c9b454e4dc1c82f2fff61aede935adbc779073063b467a44e9d',
  'contents: 2',
  '8+vTDtu4zdTSuOOc3uyfsfIA',
  'sha256: e7cad8f14cc2013f171ebf1e7c839c9b856ea496453809f5a334f6fe52b8155e',
  '',
].join('\n');

/** Lock files of both versions, before they had `kibana`. */
export const firstLocks = {
  packages: `{
  "lockVersion": 1,
  "distribution": "lite",
  "address": "https://registry.example/",
  "packages": [
    {"name":"a","version":"1.0.0","sha256":"4e2bb13533ce9b5d728ac39237a72c793d0e05da25d1a68be200fcb7a30e0896","size":12,"signer":"159B786F0886D17107AA391B9FB804CA15196996","signature":{"sha256":"8e56b639882ef91f67c597965dfb451cbd2e4b41d1a8cd9b01dd3241aa518796","size":14},"source":"https://registry.example/epr/a/a-1.0.0.zip"}
  ]
}
`,
  files: `{
  "lockVersion": 2,
  "distribution": "site",
  "address": "https://registry.example/",
  "packages": [],
  "files": [
    {"path":"downloads/fleet-server/fleet-server-9.2.1-linux-x86_64.tar.gz.asc","name":"fleet-server","version":"9.2.1","sha256":"4e2bb13533ce9b5d728ac39237a72c793d0e05da25d1a68be200fcb7a30e0896","size":438,"source":"https://artifacts.example/downloads/fleet-server/fleet-server-9.2.1-linux-x86_64.tar.gz.asc"}
  ]
}
`,
} as const;

/** A line of the journal in a folder that sync fills, of a file with the given time and inode. */
export const firstJournalLine = (modified: number, inode: number): string =>
  `{"id":"a-1.0.0","sha256":"4e2bb13533ce9b5d728ac39237a72c793d0e05da25d1a68be200fcb7a30e0896","size":12,"source":"https://registry.example/epr/a/a-1.0.0.zip","signer":"159B786F0886D17107AA391B9FB804CA15196996","signature":{"sha256":"8e56b639882ef91f67c597965dfb451cbd2e4b41d1a8cd9b01dd3241aa518796","size":14},"modified":${modified},"inode":${inode}}\n`;
