# presenced and clientctl in one small image: two static binaries, no shell, no root.

FROM golang:1.26-bookworm AS build
WORKDIR /src

# The dependencies are a layer of their own: it is made anew when they change, not
# when the code does.
COPY go.mod go.sum ./
RUN go mod download && go mod verify

COPY . .
ARG VERSION=
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=$VERSION" -o /out/ ./services/presenced ./clientctl

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/ /

# Inside a container localhost is nobody's: presenced listens on every address, and
# so refuses to start until it is told who may connect (AUTH, or ALLOW_ANONYMOUS).
# The admin address stays on the container's own loopback.
ENV STORE=mongodb WS_HOST=0.0.0.0 WS_PORT=8080
EXPOSE 8080

USER nonroot:nonroot
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=15s --retries=3 \
	CMD ["/presenced", "health"]
ENTRYPOINT ["/presenced"]
