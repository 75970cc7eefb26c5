export default function connect(wire) {}
