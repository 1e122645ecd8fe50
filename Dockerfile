# core-provisioner in a container: the second way, for hosts that run everything in one. See docs/install.md.
#   docker build --tag core-provisioner .
#   docker run --network host --cap-add NET_RAW --volume ./config.yaml:/etc/core-provisioner/config.yaml:ro \
#     --volume matchbox:/var/lib/matchbox --volume state:/var/lib/core-provisioner core-provisioner
# The host's network, since DHCP is broadcasts on one of its interfaces. Docker gives NET_RAW anyway; without it, as Podman starts a container,
# the kernel runs no node.

FROM node:20-bookworm-slim AS build
RUN apt-get update
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npm run build && scripts/boot-files && npm prune --omit=dev

FROM node:20-bookworm-slim
# Not root: the program may bind ports below 1024 and sockets of one interface, both among the capabilities that a container
# has unless they are dropped.
RUN apt-get update && apt-get install --yes --no-install-recommends libcap2-bin \
  && setcap cap_net_bind_service,cap_net_raw=+ep /usr/local/bin/node \
  && apt-get purge --yes --auto-remove libcap2-bin && rm -rf /var/lib/apt/lists/* \
  && groupadd --gid 8069 matchbox && useradd --uid 8069 --gid matchbox --no-create-home --home-dir /var/lib/matchbox --shell /usr/sbin/nologin matchbox \
  && install -d -o matchbox -g matchbox /var/lib/matchbox /var/lib/matchbox/assets /var/lib/core-provisioner /run/core-provisioner \
  && install -d /etc/core-provisioner /etc/matchbox
COPY --from=build /build/package.json /opt/core-provisioner/
COPY --from=build /build/bin /opt/core-provisioner/bin
COPY --from=build /build/dist /opt/core-provisioner/dist
COPY --from=build /build/assets /opt/core-provisioner/assets
COPY --from=build /build/node_modules /opt/core-provisioner/node_modules
USER matchbox
VOLUME ["/var/lib/matchbox", "/var/lib/core-provisioner"]
EXPOSE 67/udp 69/udp 4011/udp 8080/tcp 8081/tcp
ENTRYPOINT ["/opt/core-provisioner/bin/core-provisioner"]
CMD ["serve"]
