import type { Host } from '@ringmaster/lab';

const SYSCTLS = ['all', 'eth*', 'lo'].flatMap((nic) =>
  ['arp_ignore', 'arp_announce', 'rp_filter', 'forwarding'].map((name) => `net/ipv4/conf/${nic}/${name}`),
);

/** Everything about a host that a node might change and has to put back: addresses, settings, filters, files. */
export async function hostState(host: Host): Promise<Record<string, string>> {
  const said = async (...command: [string, ...string[]]) =>
    (await host.exec(command[0], command.slice(1))).stdout.trim();
  const settings = await said(
    'sh',
    '-c',
    `cd /proc/sys && grep . ${SYSCTLS.join(' ')} net/ipv4/ip_forward net/ipv4/tcp_mtu_probing`,
  );
  return {
    settings,
    addresses: await said('ip', '-o', 'addr'),
    routes: (await said('sh', '-c', 'ip -4 route show table all; ip -6 route show table all')).replace(
      / linkdown| expires \S+/g,
      '',
    ),
    routingRules: await said('sh', '-c', 'ip -4 rule show; ip -6 rule show'),
    neighbours: await said('ip', 'neighbour', 'show', 'nud', 'permanent'),
    links: (await said('ip', '-o', '-d', 'link')).replace(/ qdisc \S+/g, ''),
    rules: await rules(host),
    files: (await said('ls', '-A', host.directory)).replace(/\S*\.(log|yaml|key)\n?/g, '').trim(),
  };
}

/** Packet rules of any kind on the host: nftables (iptables-nft among them), classic iptables, tc. Empty for none. */
export async function rules(host: Host): Promise<string> {
  const commands = [
    'nft list ruleset',
    'cat /proc/net/ip_tables_names',
    'tc filter show dev eth0 ingress; tc filter show dev eth0 egress; tc filter show dev lo',
  ];
  const { stdout } = await host.exec('sh', [
    '-c',
    commands.map((command) => `(${command}) 2>/dev/null`).join(';'),
  ]);
  return stdout.trim();
}
