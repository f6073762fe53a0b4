import { must } from './command.js';

/** Settings of a plain host: the kernel's own defaults, whatever the machine outside has, and no IPv6 chatter. */
const PLAIN_HOST: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': '0',
  'net/ipv4/conf/all/rp_filter': '0',
  'net/ipv4/conf/default/rp_filter': '0',
  'net/ipv4/conf/all/arp_ignore': '0',
  'net/ipv4/conf/all/arp_announce': '0',
  'net/ipv6/conf/default/accept_ra': '0',
  'net/ipv6/conf/default/autoconf': '0',
  'net/ipv6/conf/default/accept_dad': '0',
  'net/ipv6/conf/default/dad_transmits': '0',
  'net/ipv6/conf/default/addr_gen_mode': '1',
  'net/ipv6/conf/default/router_solicitations': '0',
};

const ROUTER: Readonly<Record<string, string>> = {
  'net/ipv4/ip_forward': '1',
  'net/ipv6/conf/all/forwarding': '1',
  'net/ipv4/conf/all/send_redirects': '0',
  'net/ipv4/conf/default/send_redirects': '0',
};

/** Sets what a host (or a router) of the lab starts with; to be called before it gets interfaces. */
export async function applySysctls(namespace: string, kind: 'host' | 'router'): Promise<void> {
  const settings = { ...PLAIN_HOST, ...(kind === 'router' ? ROUTER : {}) };
  const script = Object.entries(settings)
    .map(([path, value]) => `[ ! -e /proc/sys/${path} ] || echo ${value} > /proc/sys/${path}`)
    .join(' && ');
  await must('ip', ['netns', 'exec', namespace, 'sh', '-c', script]);
}
