import { describe, expect, it } from 'vitest';
import type { ClusterConfig } from '../src/cluster.js';
import { ServiceTree } from '../src/serviceTree.js';
import { virtualMacOf } from '../src/neighbours/virtualMac.js';
import { address } from './world.js';

function config(text: string, ports: ClusterConfig['ports'] = []): ClusterConfig {
  return { address: address(text), virtualMac: virtualMacOf(address(text)), ports };
}

describe('service tree', () => {
  it('finds clusters by address, signed or not, and by virtual MAC', () => {
    const tree = new ServiceTree([config('10.0.0.100'), config('192.168.1.100')]);
    expect(tree.clusterOf(address('192.168.1.100'))?.index).toBe(1);
    expect(tree.clusterOf(address('192.168.1.100') | 0)?.index).toBe(1);
    expect(tree.clusterOf(address('10.0.0.101'))).toBeUndefined();
    expect(tree.isVirtualMac(Uint8Array.of(7, 2, 0x52, 0x4d, 0xa8, 1, 100), 1)).toBe(true);
    expect(tree.isVirtualMac(Uint8Array.of(7, 2, 0x52, 0x4d, 0xa8, 1, 101), 1)).toBe(false);
  });

  it('lets clusters share a virtual MAC when the last 24 bits of their addresses agree', () => {
    const tree = new ServiceTree([config('10.0.0.100'), config('11.0.0.100')]);
    expect(tree.isVirtualMac(virtualMacOf(address('10.0.0.100')), 0)).toBe(true);
    expect(tree.clusterOf(address('11.0.0.100'))?.index).toBe(1);
  });

  it('lets the TCP and UDP halves of an `all` port take turns together', () => {
    const tree = new ServiceTree([config('10.0.0.100', [{ port: 53, protocol: 'all' }])]);
    const [cluster] = tree.clusters;
    expect(tree.serviceOf(cluster, 6, 53)).toBeDefined();
    expect(tree.serviceOf(cluster, 6, 53)).toBe(tree.serviceOf(cluster, 17, 53));
    expect(tree.serviceOf(cluster, 6, 54)).toBeUndefined();
  });

  it('throws on what a configuration check must have refused', () => {
    const port = (number: number, protocol: 'tcp' | 'udp' | 'all') => ({ port: number, protocol });
    const build =
      (...configs: ClusterConfig[]) =>
      () =>
        new ServiceTree(configs);
    expect(build(config('10.0.0.1'), config('10.0.0.1'))).toThrow('two clusters with one address');
    expect(build(config('10.0.0.1', [port(80, 'tcp'), port(80, 'all')]))).toThrow('port 80 twice');
    for (const bad of [0, -1, 65_536, 1.5]) {
      expect(build(config('10.0.0.1', [port(bad, 'tcp')]))).toThrow(RangeError);
    }
    expect(build({ ...config('10.0.0.1'), virtualMac: new Uint8Array(5) })).toThrow('six bytes');
    expect(build(...Array.from({ length: 256 }, (_, n) => config(`10.0.1.${n % 256}`)))).toThrow(
      '255 clusters',
    );
  });
});
