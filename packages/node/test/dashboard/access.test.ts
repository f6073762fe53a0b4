import { describe, expect, it } from 'vitest';
import { judge, type AccessRules } from '../../src/dashboard/access.js';

const RULES: AccessRules = { host: 'ring.example.org', token: 's3cret:with colon', allowChanges: true };
const basic = (password: string) => `Basic ${Buffer.from(`anybody:${password}`).toString('base64')}`;
const GOOD = {
  host: '10.0.0.11:7480',
  authorization: basic('s3cret:with colon'),
  origin: 'http://10.0.0.11:7480',
  'content-type': 'application/json; charset=utf-8',
};
const refusedWith = (method: string, headers: object, rules: Partial<AccessRules> = {}) =>
  judge(method, { ...GOOD, ...headers }, { ...RULES, ...rules })?.code;

describe('who may look', () => {
  it.each(['10.0.0.11', '10.0.0.11:7480', '[::1]:7480', 'localhost:1', 'LOCALHOST', 'Ring.Example.org:7480'])(
    'calls the dashboard %s',
    (host) => expect(refusedWith('GET', { host })).toBeUndefined(),
  );

  it.each([undefined, '', 'evil.example.com', 'localhost.evil.example', '10.0.0.11.evil.example:80', 'x y'])(
    'does not call it %s',
    (host) => expect(refusedWith('GET', { host })).toBe('foreign-host'),
  );

  it('knows the token, where there is one', () => {
    expect(refusedWith('GET', { authorization: 'Bearer s3cret:with colon' })).toBeUndefined();
    expect(refusedWith('GET', { authorization: 'Bearer s3cret:with' })).toBe('no-token');
    expect(refusedWith('GET', { authorization: 'Bearer abc' }, { token: 'abc' })).toBeUndefined();
    for (const authorization of [undefined, '', 'Basic', 'Basic !', basic(''), basic('s3cret'), 'Digest x'])
      expect(refusedWith('GET', { authorization })).toBe('no-token');
    expect(judge('GET', { host: 'localhost' }, { host: 'localhost', allowChanges: false })).toBeUndefined();
  });
});

describe('who may change something', () => {
  it('is the page itself, where that is allowed', () => {
    expect(refusedWith('POST', {})).toBeUndefined();
    expect(refusedWith('POST', {}, { allowChanges: false })).toBe('read-only');
  });

  it.each([undefined, 'null', 'http://evil.example', 'https://10.0.0.11:7480', 'http://10.0.0.11:7481'])(
    'is no page of %s',
    (origin) => expect(refusedWith('POST', { origin })).toBe('foreign-origin'),
  );

  it.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonx'])(
    'does not send %s, which forms of other sites could',
    (type) => expect(refusedWith('POST', { 'content-type': type })).toBe('not-json'),
  );

  it('needs the token first', () => {
    expect(refusedWith('POST', { authorization: undefined })).toBe('no-token');
  });
});
