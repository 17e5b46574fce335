// The peer of benchmarks/radio.py: ns-3's AlohaNoack devices with its ideal half duplex PHY and Friis propagation.
// Every node broadcasts `size` bytes once a second, with 10 % of jitter; all stand within a kilometre of each other.
// Prints JSON: frames sent and delivered, and the processor time of the run alone.
//
// Needs Debian's libns3-dev (3.37). Built and run by benchmarks/radio.py.

#include <ns3/adhoc-aloha-noack-ideal-phy-helper.h>
#include <ns3/constant-position-mobility-model.h>
#include <ns3/core-module.h>
#include <ns3/mobility-module.h>
#include <ns3/network-module.h>
#include <ns3/propagation-module.h>
#include <ns3/spectrum-module.h>

#include <cstdio>
#include <ctime>

using namespace ns3;

namespace
{
uint64_t g_sent = 0;
uint64_t g_delivered = 0;
Ptr<UniformRandomVariable> g_jitter;

bool
Deliver(Ptr<NetDevice>, Ptr<const Packet>, uint16_t, const Address&)
{
    ++g_delivered;
    return true;
}

void
Broadcast(Ptr<NetDevice> device, uint32_t size)
{
    ++g_sent;
    device->Send(Create<Packet>(size), device->GetBroadcast(), 0x88b5);
    Simulator::Schedule(Seconds(1.0 + g_jitter->GetValue()), &Broadcast, device, size);
}

double
ProcessorSeconds()
{
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec + now.tv_nsec * 1e-9;
}
} // namespace

int
main(int argc, char** argv)
{
    uint32_t nodes = 50;
    uint32_t size = 40;
    double seconds = 60.0;
    CommandLine options(__FILE__);
    options.AddValue("nodes", "how many", nodes);
    options.AddValue("size", "bytes of a frame", size);
    options.AddValue("seconds", "of simulated time", seconds);
    options.Parse(argc, argv);

    NodeContainer all;
    all.Create(nodes);
    auto place = CreateObject<UniformRandomVariable>();
    for (uint32_t i = 0; i < nodes; ++i)
    {
        auto where = CreateObject<ConstantPositionMobilityModel>();
        where->SetPosition(Vector(place->GetValue(0, 1000), place->GetValue(0, 1000), place->GetValue(0, 1000)));
        all.Get(i)->AggregateObject(where);
    }

    auto friis = CreateObject<FriisPropagationLossModel>();
    friis->SetFrequency(1.09e9);
    auto channel = CreateObject<SingleModelSpectrumChannel>();
    channel->AddPropagationLossModel(friis);
    channel->SetPropagationDelayModel(CreateObject<ConstantSpeedPropagationDelayModel>());

    // one band of 2 MHz: 10 W over it, and thermal noise with a noise figure of 10 dB
    BandInfo band;
    band.fc = 1.09e9;
    band.fl = band.fc - 1e6;
    band.fh = band.fc + 1e6;
    auto model = Create<SpectrumModel>(Bands(1, band));
    auto transmitted = Create<SpectrumValue>(model);
    auto noise = Create<SpectrumValue>(model);
    (*transmitted)[0] = 10.0 / 2e6;
    (*noise)[0] = 1.381e-23 * 290 * 10;

    AdhocAlohaNoackIdealPhyHelper helper;
    helper.SetChannel(channel);
    helper.SetTxPowerSpectralDensity(transmitted);
    helper.SetNoisePowerSpectralDensity(noise);
    helper.SetPhyAttribute("Rate", DataRateValue(DataRate(1000000)));
    NetDeviceContainer devices = helper.Install(all);

    g_jitter = CreateObject<UniformRandomVariable>();
    g_jitter->SetAttribute("Min", DoubleValue(-0.1));
    g_jitter->SetAttribute("Max", DoubleValue(0.1));
    for (uint32_t i = 0; i < nodes; ++i)
    {
        devices.Get(i)->SetReceiveCallback(MakeCallback(&Deliver));
        Simulator::ScheduleWithContext(i, Seconds(place->GetValue(0, 1)), &Broadcast, devices.Get(i), size);
    }
    Simulator::Stop(Seconds(seconds));
    double begin = ProcessorSeconds();
    Simulator::Run();
    double spent = ProcessorSeconds() - begin;
    std::printf("{\"sent\": %lu, \"delivered\": %lu, \"cpu_s\": %.6f}\n", g_sent, g_delivered, spent);
    Simulator::Destroy();
    return 0;
}
